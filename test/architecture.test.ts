/**
 * The dependency rule, executed: which room may import which, who may print, read a clock or open a file, and that no
 * import cycle exists, types included. The scanner is shown planted violations, so that this test can fail.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the planted sources are strings that hold templates
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = new URL("..", import.meta.url);

interface Room {
  /** Rooms it may import, besides itself. */
  readonly rooms: readonly string[];
  /** Packages it may import; one that ends in a colon stands for all that begin so. */
  readonly packages: readonly string[];
}

const PROTOBUF = "@bufbuild/protobuf";
const GRPC = "@grpc/grpc-js";
const ABOVE_RPC = [PROTOBUF, GRPC, "node:"];

/** What the rooms above services and client may use. */
const ABOVE = [
  "services",
  "client",
  "realm",
  "store",
  "files",
  "formats",
  "canonical",
  "protocol",
  "gen",
  "rpc",
];

/** One direction, from the bottom up. `*_grpc.ts` in gen counts as part of rpc: it is where a call begins and ends. */
const ROOMS: Readonly<Record<string, Room>> = {
  des: { rooms: [], packages: [] },
  crypto: { rooms: ["des"], packages: ["node:crypto", "node:util"] },
  gen: { rooms: [], packages: [PROTOBUF] },
  canonical: { rooms: ["gen"], packages: [PROTOBUF, "node:buffer"] },
  protocol: { rooms: ["crypto", "canonical", "gen"], packages: [PROTOBUF, "node:buffer", "node:util"] },
  formats: { rooms: ["protocol", "gen"], packages: ["node:buffer"] },
  files: { rooms: [], packages: ["node:"] },
  store: { rooms: ["protocol", "gen", "files"], packages: [PROTOBUF, "node:"] },
  realm: { rooms: ["store", "formats", "files", "protocol", "gen"], packages: ["node:"] },
  rpc: { rooms: ["protocol", "canonical", "gen"], packages: ABOVE_RPC },
  services: {
    rooms: ["realm", "store", "rpc", "formats", "protocol", "gen", "files"],
    packages: ABOVE_RPC,
  },
  client: { rooms: ["rpc", "formats", "protocol", "gen", "files"], packages: ABOVE_RPC },
  testing: { rooms: ABOVE, packages: ABOVE_RPC },
  lab: { rooms: ABOVE, packages: ABOVE_RPC },
  cli: { rooms: [...ABOVE, "lab"], packages: ABOVE_RPC },
};

/** A database's driver is known to one file. */
const DRIVERS: Readonly<Record<string, RegExp>> = {
  lmdb: /^store\/lmdb-store\.ts$/,
  ioredis: /^store\/redis[a-z-]*\.ts$/,
};

/** What code may not say, and in which rooms. */
const WORDS: readonly { name: string; pattern: RegExp; rooms: (room: string) => boolean }[] = [
  ...(
    [
      [
        "reads the clock",
        /\bDate\s*\.\s*now\b|\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\())|(?<!new\s)\bDate\s*\(|\bperformance\b|\bhrtime\b/g,
      ],
      ["sets a timer", /\bset(?:Timeout|Interval|Immediate)\b/g],
      ["touches the process", /\bprocess\s*[.[]/g],
      ["draws bad randomness", /\bMath\s*\.\s*random\b/g],
    ] as const
  ).map(([name, pattern]) => ({ name, pattern, rooms: (room: string) => PURE.includes(room) })),
  {
    name: "prints",
    pattern: /\bconsole\s*[.[]|\bprocess\s*\.\s*(?:stdout|stderr)\b/g,
    rooms: (room) => room !== "cli",
  },
  {
    name: "ends the process",
    pattern: /\bprocess\s*\.\s*(?:exit|exitCode|abort)\b/g,
    rooms: (room) => room !== "cli",
  },
  { name: "has a default export", pattern: /\bexport\s+default\b|\bas\s+default\b/g, rooms: () => true },
];
const PURE = ["des", "crypto", "canonical", "protocol", "formats"];
const WITH_INDEX = ["des", "services", "client", "testing"];

/** A source file by its path under src/, with slashes. */
interface Source {
  readonly path: string;
  readonly text: string;
}

function sources(): Source[] {
  const src = new URL("src/", ROOT);
  return readdirSync(src, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => ({ path, text: readFileSync(new URL(path, src), "utf8") }));
}

function roomOf(path: string): string {
  return path.startsWith("gen/") && path.endsWith("_grpc.ts") ? "rpc" : path.slice(0, path.indexOf("/"));
}

/**
 * The source with comments, and the insides of strings, templates and regular expressions, made blank: the same length
 * and lines, so that places stay. Code inside `${}` of a template stays.
 */
function blank(text: string): string {
  let out = "";
  let at = 0;
  /** For each open template, how many braces are open inside its `${}`. */
  const templates: number[] = [];
  const skip = (end: number, edges: number) => {
    for (; at < end; at++) {
      const edge = edges > 0 && (at === start || at === end - 1);
      out += text[at] === "\n" ? "\n" : edge ? text[at] : edges > 0 ? "_" : " ";
    }
  };
  let start = 0;
  const literal = (close: (i: number) => boolean) => {
    start = at;
    let end = at + 1;
    while (end < text.length && !close(end)) end += text[end] === "\\" ? 2 : 1;
    skip(Math.min(end + 1, text.length), 1);
  };
  const template = () => {
    // Stands behind "`" or behind the "}" of an expression: to the next "${" or the closing "`".
    while (at < text.length && text[at] !== "`" && !text.startsWith("${", at)) {
      out += text[at] === "\n" ? "\n" : "_";
      if (text[at] === "\\" && at + 1 < text.length) out += "_";
      at += text[at] === "\\" ? 2 : 1;
    }
    if (text[at] === "`") {
      out += "`";
      at++;
    } else if (at < text.length) {
      templates.push(0);
      out += "${";
      at += 2;
    }
  };
  while (at < text.length) {
    const char = text[at]!;
    if (text.startsWith("//", at)) {
      const end = text.indexOf("\n", at);
      skip(end < 0 ? text.length : end, 0);
    } else if (text.startsWith("/*", at)) {
      const end = text.indexOf("*/", at + 2);
      skip(end < 0 ? text.length : end + 2, 0);
    } else if (char === '"' || char === "'") literal((i) => text[i] === char || text[i] === "\n");
    else if (
      char === "/" &&
      /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\breturn|\btypeof|\bcase|\bof|\bin)\s*$/.test(out)
    ) {
      let inClass = false;
      literal((i) => {
        if (text[i] === "[") inClass = true;
        if (text[i] === "]") inClass = false;
        return (text[i] === "/" && !inClass) || text[i] === "\n";
      });
    } else if (char === "`") {
      out += char;
      at++;
      template();
    } else {
      const open = templates.length - 1;
      if (open >= 0 && char === "{") templates[open]!++;
      if (open >= 0 && char === "}" && templates[open]!-- === 0) {
        templates.pop();
        out += char;
        at++;
        template();
        continue;
      }
      out += char;
      at++;
    }
  }
  return out;
}

/** Every module a source names: import, export from, import(), import types; `undefined` where the name is computed. */
function imports(text: string): (string | undefined)[] {
  const bare = blank(text);
  const found: (string | undefined)[] = [];
  const forms = [
    /\b(?:import|export)\b[^;"'`()=]*?\bfrom\s*(?=["'])/g,
    /\bimport\s*(?=["'])/g,
    /\bimport\s*\(\s*/g,
    /(?<![.#\w])require\s*\(\s*/g,
  ];
  for (const form of forms)
    for (const match of bare.matchAll(form)) {
      const at = match.index + match[0].length;
      const quote = bare[at]!;
      const end = bare.indexOf(quote, at + 1);
      const literal = `"'\``.includes(quote) && !bare.slice(at, end).includes("${");
      found.push(literal ? text.slice(at + 1, end) : undefined);
    }
  return found;
}

/** The path under src/ that a relative import names. */
function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts");
}

/** What one source does that its room may not, one sentence each. */
function violations({ path, text }: Source): string[] {
  const found: string[] = [];
  const room = roomOf(path);
  const rule = ROOMS[room];
  if (rule === undefined) return [`${path}: ${room} is no room of the house`];
  for (const specifier of imports(text)) {
    if (specifier === undefined) found.push(`${path}: imports a module by a computed name`);
    else if (specifier.startsWith(".")) {
      const target = resolve(path, specifier);
      const other = roomOf(target);
      if (!specifier.endsWith(".js")) found.push(`${path}: imports ${specifier}, not a .js module`);
      else if (target.startsWith("..") || !target.includes("/"))
        found.push(`${path}: imports ${specifier}, outside of src`);
      else if (other !== room && !rule.rooms.includes(other))
        found.push(`${path}: ${room} may not import ${other} (${target})`);
    } else if (
      DRIVERS[specifier]?.test(path) !== true &&
      !rule.packages.some((allowed) => isOf(specifier, allowed))
    )
      found.push(`${path}: ${room} may not import ${specifier}`);
  }
  const bare = blank(text);
  for (const { name, pattern, rooms } of WORDS)
    if (rooms(room))
      for (const match of bare.matchAll(pattern)) found.push(`${path}:${lineOf(bare, match.index)}: ${name}`);
  const file = posix.basename(path, ".ts");
  if (/^(?:utils?|commons?|helpers?)$/.test(file)) found.push(`${path}: a file is named for what it holds`);
  if (file === "index" && !WITH_INDEX.includes(room)) found.push(`${path}: ${room} has no index.ts`);
  return found;
}

function isOf(specifier: string, allowed: string): boolean {
  return allowed.endsWith(":")
    ? specifier.startsWith(allowed)
    : specifier === allowed || specifier.startsWith(`${allowed}/`);
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** The first import cycle there is, as the paths along it; empty where there is none. */
function cycleIn(files: readonly Source[]): string[] {
  const edges = new Map(
    files.map(({ path, text }) => [
      path,
      imports(text).flatMap((specifier) => (specifier?.startsWith(".") ? [resolve(path, specifier)] : [])),
    ]),
  );
  const done = new Set<string>();
  const walk = (path: string, along: string[]): string[] => {
    if (along.includes(path)) return [...along.slice(along.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const next of edges.get(path) ?? []) {
      const cycle = walk(next, [...along, path]);
      if (cycle.length > 0) return cycle;
    }
    done.add(path);
    return [];
  };
  for (const path of edges.keys()) {
    const cycle = walk(path, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

/** Optional dependencies that a lock file names without an entry of their own: `npm ci` refuses such a file. */
function lackingEntries(
  packages: Record<string, { optionalDependencies?: Record<string, string> }>,
): string[] {
  const have = new Set(Object.keys(packages).map((key) => key.split("node_modules/").pop()));
  const named = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  return named.filter((name) => !have.has(name));
}

describe("the house", () => {
  const files = sources();

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
    const missing = files.flatMap(({ path, text }) =>
      imports(text).flatMap((specifier) =>
        specifier?.startsWith(".") && !there.has(resolve(path, specifier)) ? [`${path}: ${specifier}`] : [],
      ),
    );
    expect(missing).toEqual([]);
  });

  test("has no import cycle, types included", () => {
    expect(cycleIn(files)).toEqual([]);
  });

  test("has a door wherever package.json says so", () => {
    const { exports, bin } = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8"));
    const doors = [...Object.values<string | Record<string, string>>(exports), ...Object.values<string>(bin)]
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
    ["ioredis outside its file", "store/lmdb-store.ts", 'import Redis from "ioredis";'],
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
    ["console in protocol", "protocol/x.ts", "console.log(1);"],
    ["Math.random", "crypto/x.ts", "Math.random();"],
    ["console in services", "services/x.ts", "console.error(1);"],
    ["console inside a template", "services/x.ts", "const x = `${console.log(1)}`;"],
    ["printing in client", "client/x.ts", 'process.stdout.write("x");'],
    ["printing in testing", "testing/x.ts", 'process.stderr.write("x");'],
    ["process.exit in services", "services/x.ts", "process.exit(1);"],
    ["a default export", "cli/x.ts", "export default function () {}"],
    ["a default export by name", "cli/x.ts", "export { main as default };"],
    ["a file named util", "rpc/util.ts", ""],
    ["a file named helpers", "cli/commands/helpers.ts", ""],
    ["a file named common", "protocol/common.ts", ""],
    ["an index in protocol", "protocol/index.ts", ""],
  ])("%s", (_, path, text) => {
    expect(found(path, text)).toHaveLength(1);
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
      'import { a } from "../store/a.js";\nimport { b } from "../rpc/b.js";\nimport { c } from "../gen/x_grpc.js";',
    ],
    [
      "a generated service in rpc's place",
      "gen/kerberos/v1/x_grpc.ts",
      'import { x } from "../../../rpc/client-runtime.js";\nimport { y } from "./x_pb.js";\nimport type { Server } from "@grpc/grpc-js";',
    ],
    ["the driver in its one file", "store/lmdb-store.ts", 'import { open } from "lmdb";'],
    ["another driver in its one file", "store/redis-replay-cache.ts", 'import { Redis } from "ioredis";'],
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
      'const a = "Date.now()"; // setTimeout(1)\nconst b = `process.exit ${a} console.log`;\nconst c = /console.log/;',
    ],
    ["a date made of a number", "protocol/x.ts", "new Date(ms).toISOString();"],
    ["a type of Date", "protocol/x.ts", "function f(date: Date): void {}"],
    ["division", "protocol/x.ts", 'const x = a / b / c;\nconst y = "x";'],
    ["printing in cli", "cli/output.ts", "process.stdout.write(text);\nprocess.exit(2);"],
    ["a clock in services", "services/x.ts", "const clock = Date.now;"],
    ["the word process without a member", "protocol/x.ts", "function process(block: number) {}"],
    ["a method named require", "crypto/x.ts", "this.#require(usage);\nthis.require(usage);"],
    ["an index where there is a door", "client/index.ts", 'export { login } from "./login.js";'],
    ["import.meta", "cli/x.ts", 'new URL("x", import.meta.url);'],
  ])("%s", (_, path, text) => {
    expect(violations({ path, text })).toEqual([]);
  });

  test("blanking keeps every place and every line", () => {
    for (const { path, text } of sources()) {
      const bare = blank(text);
      expect([path, bare.length, bare.split("\n").length]).toEqual([
        path,
        text.length,
        text.split("\n").length,
      ]);
    }
  });

  test("the scanner sees as many imports in the sources as begin a line there", () => {
    for (const { path, text } of sources()) {
      if (path.startsWith("gen/")) continue;
      const lines = text.match(/^(?:import|export|\})[^\n;]* from "[^"\n]+";$|^import "[^"]+";$/gm) ?? [];
      expect([path, imports(text).length >= lines.length]).toEqual([path, true]);
    }
  });
});
