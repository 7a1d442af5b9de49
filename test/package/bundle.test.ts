/** esbuild makes one file of a guarded server, and LMDB is not in it unless the program uses it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { type BuildOptions, build, type Metafile } from "esbuild";
import { ticketInterceptor } from "tessera-sso/client";
import { createTestRealm } from "tessera-sso/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "./tarball.js";

const SERVICE = "demo/demo.example.test";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tessera-bundle-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Bundles a program; returns what went in. Native parts that it loads at run time stay outside. */
async function bundle(
  program: Pick<BuildOptions, "entryPoints" | "stdin">,
  outfile: string,
): Promise<string[]> {
  const { metafile } = await build({
    ...program,
    bundle: true,
    platform: "node",
    format: "cjs",
    external: ["*.node"],
    outfile,
    metafile: true,
    logLevel: "silent",
  });
  return included(metafile);
}

/** The modules with at least a byte in the bundle, and what is imported at run time. */
function included({ outputs }: Metafile): string[] {
  return Object.values(outputs).flatMap(({ inputs, imports }) => [
    ...Object.keys(inputs).filter((path) => inputs[path]!.bytesInOutput > 0),
    ...imports.map(({ path }) => path),
  ]);
}

const LMDB = /lmdb|msgpack/;

test("a guarded server without LMDB is one file without LMDB, and answers who calls", async () => {
  const outfile = join(folder, "server.cjs");
  const modules = await bundle({ entryPoints: [join(ROOT, "test/package/guarded-server.ts")] }, outfile);
  expect(modules.filter((path) => LMDB.test(path))).toEqual([]);
  expect(modules.some((path) => path.includes("dist/services/guard/"))).toBe(true);

  await using realm = await createTestRealm({ users: { alice: "apple" }, services: [SERVICE] });
  const keytab = join(folder, "demo.keytab");
  await writeFile(keytab, await realm.keytab(SERVICE), { mode: 0o600 });
  const server = spawn(process.execPath, [outfile, keytab], {
    cwd: folder,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(server, "exit").then(([code]) => {
    throw new Error(`the server ended with ${code}`);
  });
  try {
    const [port] = await Promise.race([once(server.stdout.setEncoding("utf8"), "data"), ended]);
    const interceptors = [ticketInterceptor(await realm.login("alice", "apple"), SERVICE)];
    const client = new grpc.Client(`localhost:${port.trim()}`, grpc.credentials.createInsecure(), {
      interceptors,
    });
    const call = promisify(
      (request: string, answer: grpc.requestCallback<string>) =>
        void client.makeUnaryRequest("/demo.v1.DemoService/WhoAmI", Buffer.from, String, request, answer),
    );
    expect(await call("who am I?")).toBe("alice@TEST.EXAMPLE");
    client.close();
  } finally {
    server.kill();
  }
});

test("a program that opens a replay cache by its name has LMDB with it", async () => {
  const contents =
    'import { openReplayCache } from "tessera-sso/server";\n' +
    "void openReplayCache(process.argv[2], { skew: 300_000 });";
  const modules = await bundle({ stdin: { contents, resolveDir: ROOT } }, join(folder, "cache.cjs"));
  expect(modules.filter((path) => LMDB.test(path))).not.toEqual([]);
});
