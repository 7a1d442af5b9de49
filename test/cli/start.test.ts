/**
 * What the built command loads before it answers: what it does not need would only make it slower to start.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileCache } from "../../src/client/file-credential-cache.js";
import { grantTicket, login, makeRealm } from "../support/entries.js";
import { Shell, TESSERA } from "./command.js";

const RECORDER = fileURLToPath(new URL("record-modules.mjs", import.meta.url));
const shell = new Shell();
const modules = join(shell.dir, "modules");
afterAll(() => shell.remove());

beforeAll(async () => {
  const realm = makeRealm();
  const now = Date.now();
  const tgt = login(realm, {}, now).credentials;
  const ticket = grantTicket(realm, tgt, {}, now).credentials;
  const cache = fileCache(join(shell.dir, "cc"));
  await cache.store({ client: tgt.client, kdcOffset: 0, credentials: [tgt, ticket] });
});

/** The modules that a command loads, by what they were before they were bundled. */
function loadedBy(line: string): string[] {
  rmSync(modules, { force: true });
  const env = { ...shell.env, MODULES: modules } as NodeJS.ProcessEnv;
  const words = line.split(" ").filter((word) => word !== "");
  execFileSync(process.execPath, ["--import", RECORDER, TESSERA, ...words], { env, stdio: "ignore" });
  const addresses = readFileSync(modules, "utf8").trim().split("\n");
  const names = addresses.flatMap((address) =>
    address.startsWith("file:") ? bundled(fileURLToPath(address)) : [address],
  );
  // esbuild names a module again where its imports and its code are apart.
  return [...new Set(names)].sort();
}

/** esbuild names each module of a chunk in a comment. */
function bundled(chunk: string): string[] {
  return [...readFileSync(chunk, "utf8").matchAll(/^\/\/ ((?:src|node_modules)\/.*)$/gm)].map((m) => m[1]!);
}

describe("what is loaded by", () => {
  it("tessera --help is the frame of the command alone", () => {
    expect(loadedBy("--help").filter((name) => !name.startsWith("node:"))).toEqual([
      "src/cli/frame/arguments.ts",
      "src/cli/frame/command-table.ts",
      "src/cli/frame/command.ts",
      "src/cli/frame/help.ts",
      "src/cli/frame/run.ts",
      "src/cli/frame/signal-queue.ts",
      "src/cli/main.ts",
      "src/cli/screen/layout.ts",
      "src/cli/screen/screen.ts",
      "src/cli/version.ts",
      "src/errors/nearest.ts",
      "src/errors/readable-error.ts",
      "src/errors/visible-text.ts",
      "src/rpc/default-addresses.ts",
    ]);
  });

  it.each(["kinit --help", "klist", "klist -f"])("tessera %s is no package", (line) => {
    const names = loadedBy(line);
    expect(names.filter((name) => !/^(?:src|node:)/.test(name))).toEqual([]);
    expect(names.filter((name) => /^src\/(?:services|store|realm|gen|canonical)\//.test(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(10);
  });

  it.each(["klist -e", "klist --json", "kvno notes/localhost"])("tessera %s is protobuf alone", (line) => {
    const names = loadedBy(line);
    const packages = names.filter((name) => !/^(?:src|node:)/.test(name));
    expect(packages.filter((name) => !name.startsWith("node_modules/@bufbuild/protobuf/"))).toEqual([]);
    expect(packages.length).toBeGreaterThan(10);
    expect(names.filter((name) => /^src\/(?:services|store|realm)\//.test(name))).toEqual([]);
  });
});
