/**
 * The dependency rule, executed: which room may import which, who may print, read a clock or open a file, and
 * that no import cycle exists, types included. Planted violations show that each rule can refuse. The rules,
 * and what to do about a refusal, are in test/architecture/.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: planted sources are strings that hold templates
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ROOMS, roomOf } from "./architecture/rooms.js";
import { cycleIn, importedFiles, violations } from "./architecture/rules.js";
import { factsOf, type Source } from "./architecture/source.js";

const ROOT = new URL("..", import.meta.url);

function sources(): Source[] {
  const src = new URL("src/", ROOT);
  return readdirSync(src, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => /\.tsx?$/.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(new URL(path, src), "utf8") }));
}

/**
 * Optional dependencies that a lock file names without an entry of their own: `npm ci` refuses such a one.
 */
function lackingEntries(
  packages: Record<string, { optionalDependencies?: Record<string, string> }>,
): string[] {
  const have = new Set(Object.keys(packages).map((key) => key.split("node_modules/").pop()));
  const named = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  return named.filter((name) => !have.has(name));
}

const files = sources();

describe("the house", () => {
  test.each(Object.keys(ROOMS))("keeps to the one direction in %s", (room) => {
    expect(files.filter(({ path }) => roomOf(path) === room).flatMap(violations)).toEqual([]);
  });

  test("has no other rooms", () => {
    const rooms = new Set(files.map(({ path }) => roomOf(path)));
    expect([...rooms].filter((room) => !(room in ROOMS))).toEqual([]);
    expect(rooms.size).toBeGreaterThanOrEqual(8);
  });

  test("imports nothing that is not there", () => {
    const there = new Set(files.map(({ path }) => path));
    const missing = files.flatMap((file) =>
      importedFiles(file).flatMap((target) =>
        there.has(target) ? [] : [`${file.path}: imports ${target}, which is not there: mend its path`],
      ),
    );
    expect(missing).toEqual([]);
  });

  test("has no import cycle, types included", () => {
    const cycle = cycleIn(files);
    expect(cycle, "move what they need of each other into a file below both").toEqual([]);
  });

  test("has a door wherever package.json says so", () => {
    const { exports } = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8"));
    const doors = Object.values<string | Record<string, string>>(exports)
      .flatMap((door) => (typeof door === "string" ? [door] : Object.values(door)))
      .map((door) => door.replace(/^\.\/dist\/(.*?)(?:\.d\.ts|\.js)$/, "./src/$1.ts"));
    expect(doors.length).toBeGreaterThan(5);
    expect(doors.filter((door) => !existsSync(new URL(door, ROOT)))).toEqual([]);
  });

  test("can be installed from its lock file", () => {
    const { packages } = JSON.parse(readFileSync(new URL("package-lock.json", ROOT), "utf8"));
    expect(Object.keys(packages).length).toBeGreaterThan(50);
    expect(lackingEntries(packages)).toEqual([]);
  });
});

describe("a planted violation is found:", () => {
  const found = (path: string, text: string) => violations({ path, text });

  test.each<[string, string, string]>([
    ["services ↔ client", "services/as.ts", 'import { login } from "../client/index.js";'],
    ["client ↔ services", "client/login.ts", 'import { serve } from "../services/index.js";'],
    ["client → store", "client/login.ts", 'import type { ReplayCache } from "../store/replay-cache.js";'],
    ["rpc → store", "rpc/status.ts", 'export * from "../store/replay-cache.js";'],
    ["store → rpc", "store/x.ts", 'import { x } from "../rpc/status.js";'],
    [
      "store → generated services",
      "store/x.ts",
      'import { x } from "../gen/kerberos/v1/authentication_service_grpc.js";',
    ],
    [
      "protocol → generated services",
      "protocol/x.ts",
      'import { x } from "../gen/kerberos/v1/authentication_service_grpc.js";',
    ],
    ["protocol → store", "protocol/x.ts", 'import { x } from "../store/replay-cache.js";'],
    ["protocol → files", "protocol/x.ts", 'import { x } from "../files/private-file.js";'],
    ["crypto → protocol", "crypto/x.ts", 'import { KrbError } from "../protocol/krb-error.js";'],
    ["des → crypto", "des/x.ts", 'import { x } from "../crypto/random.js";'],
    ["gen → protocol", "gen/kerberos/v1/x_pb.ts", 'import { x } from "../../../protocol/keys.js";'],
    ["files → protocol", "files/x.ts", 'import { x } from "../protocol/keys.js";'],
    ["store → crypto", "store/x.ts", 'import { randomBytes } from "../crypto/random.js";'],
    ["services → crypto", "services/x.ts", 'import { x } from "../crypto/random.js";'],
    ["cli → crypto", "cli/commands/x.ts", 'import { x } from "../../crypto/etypes.js";'],
    ["cli → des", "cli/x.ts", 'import { x } from "../des/index.js";'],
    ["protocol → des", "protocol/x.ts", 'import { x } from "../des/index.js";'],
    ["services → cli", "services/x.ts", 'import { x } from "../cli/main.js";'],
    ["anything → testing", "cli/x.ts", 'import { x } from "../testing/index.js";'],
    ["lab → page", "lab/live/x.ts", 'import { show } from "../page/static/show.tsx";'],
    ["page → protocol", "lab/page/x.tsx", 'import type { Key } from "../../protocol/keys.js";'],
    ["page → lab, more than types", "lab/page/x.tsx", 'import { type A, b } from "../explain.js";'],
    ["a node module in a page", "lab/page/x.tsx", 'import { readFile } from "node:fs/promises";'],
    ["a room nobody knows", "misc/x.ts", ""],
    ["grpc-js below rpc", "protocol/x.ts", 'import * as grpc from "@grpc/grpc-js";'],
    ["grpc-js in the store", "store/x.ts", 'import type { Metadata } from "@grpc/grpc-js";'],
    ["a node module in des", "des/x.ts", 'import { createCipheriv } from "node:crypto";'],
    ["files in crypto", "crypto/x.ts", 'import { readFileSync } from "node:fs";'],
    ["sockets in protocol", "protocol/x.ts", 'import net from "node:net";'],
    ["http in protocol", "protocol/x.ts", 'import "node:http";'],
    ["children in crypto", "crypto/x.ts", 'const { execSync } = await import("node:child_process");'],
    ["crypto behind protocol's back", "protocol/x.ts", 'import { createHash } from "node:crypto";'],
    ["node modules without their prefix", "store/x.ts", 'import fs from "fs";'],
    ["lmdb outside its file", "store/open-store.ts", 'import { open } from "lmdb";'],
    ["lmdb in services", "services/x.ts", 'const { open } = await import("lmdb");'],
    ["ioredis outside its file", "store/lmdb/store.ts", 'import Redis from "ioredis";'],
    ["an undeclared package", "services/x.ts", 'import express from "express";'],
    ["a package with a longer name", "protocol/x.ts", 'import { x } from "@bufbuild/protobuf-conformance";'],
    ["an import type", "client/x.ts", 'type Cache = import("../store/replay-cache.js").ReplayCache;'],
    ["a type-only export", "client/x.ts", "export type { ReplayCache } from '../store/replay-cache.js';"],
    [
      "an import over several lines",
      "client/x.ts",
      'import {\n  a, // from "x"\n  type B,\n} from\n  "../store/x.js";',
    ],
    [
      "an import behind another on its line",
      "client/x.ts",
      'import a from "./a.js";import b from "../store/b.js";',
    ],
    [
      "an import behind a regular expression with a quote",
      "client/x.ts",
      'const q = /["\']/;\nimport b from "../store/b.js";',
    ],
    [
      "an import behind a template with a quote",
      "client/x.ts",
      'const q = `"${f({ a: `\'` })}\'`;\nimport b from "../store/b.js";',
    ],
    [
      "an import inside a template's expression",
      "client/x.ts",
      'const q = `${await import("../store/b.js")}`;',
    ],
    ["a computed import", "cli/x.ts", "await import(name);"],
    ["a template import", "cli/x.ts", "await import(`../client/${name}.js`);"],
    ["require", "crypto/x.ts", 'const fs = require("node:fs");'],
    ["require as TypeScript has it", "crypto/x.ts", 'import fs = require("node:fs");'],
    ["the type of a module", "client/x.ts", 'let store: typeof import("../store/replay-cache.js");'],
    ["an import out of src", "cli/x.ts", 'import { x } from "../../test/support/entries.js";'],
    ["an import without .js", "cli/x.ts", 'import { x } from "./main";'],
    ["Date.now", "protocol/x.ts", "const now = Date.now();"],
    ["Date.now as a default", "protocol/x.ts", "function f(clock = Date.now) {}"],
    ["new Date()", "crypto/x.ts", "const now = new Date( );"],
    ["new Date without brackets", "crypto/x.ts", "const now = new Date;"],
    ["Date()", "crypto/x.ts", "const now = Date();"],
    ["performance", "des/x.ts", "performance.now();"],
    ["setTimeout", "protocol/x.ts", "setTimeout(f, 1);"],
    ["setInterval", "protocol/x.ts", "globalThis.setInterval(f, 1);"],
    ["setImmediate", "crypto/x.ts", "await new Promise(setImmediate);"],
    ["process", "protocol/x.ts", "const dir = process.env.HOME;"],
    ["process by an index", "protocol/x.ts", 'const env = process["env"];'],
    ["process taken apart", "protocol/x.ts", "const { env } = process;"],
    ["Date taken apart", "protocol/x.ts", "const { now } = Date;"],
    ["a timer in other words", "protocol/x.ts", "const wait = setTimeout as Wait;"],
    ["console by globalThis", "services/x.ts", "globalThis.console?.log(1);"],
    ["console in protocol", "protocol/x.ts", "console.log(1);"],
    ["Math.random", "crypto/x.ts", "Math.random();"],
    ["console in services", "services/x.ts", "console.error(1);"],
    ["console inside a template", "services/x.ts", "const x = `${console.log(1)}`;"],
    ["printing in client", "client/x.ts", 'process.stdout.write("x");'],
    ["printing in testing", "testing/x.ts", 'process.stderr.write("x");'],
    ["process.exit in services", "services/x.ts", "process.exit(1);"],
    ["a default export", "cli/x.ts", "export default function () {}"],
    ["a default export by name", "cli/x.ts", "export { main as default };"],
    ["a default export as a string", "cli/x.ts", 'export { main as "default" };'],
    ["an etype's number, compared", "protocol/x.ts", "const weak = key.etype === 3;"],
    ["an etype's number, in order", "services/x.ts", "const strong = etype > 16;"],
    ["an etype's number, negative", "cli/x.ts", "if (entry.etype !== -1) f();"],
    ["an etype's number, handed on", "cli/x.ts", "open({ etype: 20, key });"],
    ["numbers of etypes in a list", "client/x.ts", "const keyEtypes = [20, 19];"],
    ["an etype by the contract's name", "protocol/x.ts", "f(EncryptionType.DES_CBC_MD5);"],
    [
      "grpc-js's private fields",
      "services/guard/x.ts",
      'import * as grpc from "@grpc/grpc-js";\nconst { stream } = call as unknown as { stream: object };',
    ],
    [
      "the call inside a call",
      "client/guard/x.ts",
      'import type { Call } from "@grpc/grpc-js";\nfor (let call = first; call.nextCall; call = call.next);',
    ],
    ["a file named util", "rpc/util.ts", ""],
    ["a file named helpers", "cli/commands/helpers.ts", ""],
    ["a file named common", "protocol/common.ts", ""],
    ["an index in protocol", "protocol/index.ts", ""],
  ])("%s", (_, path, text) => {
    expect(found(path, text)).toHaveLength(1);
    expect(found(path, text)[0], "where: what: what to do about it").toMatch(/^\S+: .+: .{20,}$/);
  });

  test("a cycle, also of types, also of one file", () => {
    const a = { path: "rpc/a.ts", text: 'import type { B } from "./b.js";' };
    const b = { path: "rpc/b.ts", text: 'export { c } from "../protocol/c.js";' };
    const c = { path: "protocol/c.ts", text: 'type A = import("../rpc/a.js").A;' };
    expect(cycleIn([a, b])).toEqual([]);
    expect(cycleIn([a, b, c])).toEqual(["rpc/a.ts", "rpc/b.ts", "protocol/c.ts", "rpc/a.ts"]);
    expect(cycleIn([{ path: "rpc/a.ts", text: 'import "./a.js";' }])).toEqual(["rpc/a.ts", "rpc/a.ts"]);
  });

  test("a lock file without a platform's package", () => {
    const packages = {
      "node_modules/a": { optionalDependencies: { "a-linux": "1", "a-darwin": "1" } },
      "node_modules/a/node_modules/a-linux": {},
    };
    expect(lackingEntries(packages)).toEqual(["a-darwin"]);
  });
});

describe("what is no violation passes:", () => {
  test.each<[string, string, string]>([
    [
      "the direction downwards",
      "services/as.ts",
      'import { a } from "../store/a.js";\n' +
        'import { b } from "../rpc/b.js";\nimport { c } from "../gen/x_grpc.js";',
    ],
    [
      "a generated service in rpc's place",
      "gen/kerberos/v1/x_grpc.ts",
      'import { x } from "../../../rpc/client-runtime.js";\n' +
        'import { y } from "./x_pb.js";\nimport type { Server } from "@grpc/grpc-js";',
    ],
    ["the driver in its one file", "store/lmdb/store.ts", 'import { open } from "lmdb";'],
    ["another driver in its one file", "store/redis/replay-cache.ts", 'import { Redis } from "ioredis";'],
    ["a package's subpath", "protocol/x.ts", 'import { BinaryReader } from "@bufbuild/protobuf/wire";'],
    [
      "an import in a comment",
      "protocol/x.ts",
      '// import x from "../store/x.js";\n/* import("node:fs") Date.now() */',
    ],
    ["an import in a string", "cli/x.ts", "const example = 'import { x } from \"tessera-sso/client\";';"],
    [
      "forbidden words in strings, comments, templates and expressions",
      "protocol/x.ts",
      'const a = "Date.now()"; // setTimeout(1)\n' +
        "const b = `process.exit ${a} console.log`;\nconst c = /console.log/;",
    ],
    ["a date made of a number", "protocol/x.ts", "new Date(ms).toISOString();"],
    ["a type of Date", "protocol/x.ts", "function f(date: Date): void {}"],
    ["division", "protocol/x.ts", 'const x = a / b / c;\nconst y = "x";'],
    ["printing in cli", "cli/output.ts", "process.stdout.write(text);\nprocess.exit(2);"],
    ["a clock in services", "services/x.ts", "const clock = Date.now;"],
    ["the word process without a member", "protocol/x.ts", "function process(block: number) {}"],
    [
      "members that bear a global's name",
      "protocol/x.ts",
      "a.setTimeout(1);\nconst b = { process: a.console };",
    ],
    ["the types of globals", "protocol/x.ts", "function f(now: typeof Date.now, wait: typeof setTimeout) {}"],
    ["an etype's number in its row", "crypto/x.ts", "export const row = { etype: 19, isWeak: false };"],
    ["no etype", "protocol/x.ts", "const { etype } = part ?? { etype: 0 };\nif (etype === 0) f();"],
    [
      "grpc-js's private fields in their file",
      "rpc/grpc-js-internals.ts",
      'import * as grpc from "@grpc/grpc-js";\n' +
        "const hidden = call as unknown as Hidden;\nf(hidden.nextCall);",
    ],
    ["a method named require", "crypto/x.ts", "this.#require(usage);\nthis.require(usage);"],
    ["an index where there is a door", "client/index.ts", 'export { login } from "./login.js";'],
    [
      "a page that uses DES, Preact, types of lab and a part of its own",
      "lab/page/static/x.tsx",
      'import { useState } from "preact/hooks";\nimport { encryptEcb } from "../../../des/index.js";\n' +
        'import type { Transcript } from "../../transcript/transcript.js";\n' +
        'import { Bytes } from "../bytes/bytes.tsx";\nexport const a = <Bytes />;',
    ],
    ["import.meta", "cli/x.ts", 'new URL("x", import.meta.url);'],
  ])("%s", (_, path, text) => {
    expect(violations({ path, text })).toEqual([]);
  });

  test("the parser sees as many imports in the sources as begin a line there", () => {
    for (const source of files) {
      const { path, text } = source;
      const lines = text.match(/^(?:import|export|\})[^\n;]* from "[^"\n]+";$|^import "[^"]+";$/gm) ?? [];
      expect([path, factsOf(source).imports.length >= lines.length]).toEqual([path, true]);
    }
  });
});
