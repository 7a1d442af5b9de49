import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { openLmdbStore } from "../../src/store/lmdb/store.js";
import { openMemoryStore } from "../../src/store/memory-store.js";
import { openStore } from "../../src/store/open-store.js";
import { bytes, increment, keyValueStoreSuite, text } from "./key-value-store-suite.js";

const folders: string[] = [];
const temporaryFolder = () => {
  const dir = mkdtempSync(join(tmpdir(), "tessera-store-"));
  folders.push(dir);
  return dir;
};
afterEach(() => {
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
});

keyValueStoreSuite("memory:", async () => openMemoryStore());
keyValueStoreSuite("lmdb:", () => openLmdbStore(join(temporaryFolder(), "kv")));

describe("lmdb: across processes", () => {
  it("keeps what it acknowledged when closed and reopened", async () => {
    const dir = join(temporaryFolder(), "kv");
    const first = await openLmdbStore(dir);
    await first.update("a", () => bytes("one"));
    await first.close();
    const second = await openLmdbStore(dir);
    expect(text(await second.get("a"))).toBe("one");
    await second.close();
  });

  it("makes the folder 0700 and the files 0600", async () => {
    const dir = join(temporaryFolder(), "kv");
    const store = await openLmdbStore(dir);
    await store.update("a", () => bytes("one"));
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir, "data.mdb")).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, "lock.mdb")).mode & 0o777).toBe(0o600);
    await store.close();
  });

  it("names the path if the parent is missing, the folder open to others, the files no store", async () => {
    const root = temporaryFolder();
    const missing = join(root, "no", "kv");
    await expect(openLmdbStore(missing)).rejects.toMatchObject({
      code: "missing",
      message: expect.stringContaining(missing),
    });
    const open = join(root, "open");
    mkdirSync(open);
    chmodSync(open, 0o755);
    await expect(openLmdbStore(open)).rejects.toMatchObject({
      code: "unsafe",
      message: expect.stringContaining(`chmod 700 ${open}`),
    });
    const garbage = join(root, "garbage");
    mkdirSync(garbage, { mode: 0o700 });
    writeFileSync(join(garbage, "data.mdb"), Buffer.alloc(16384, 0xa5));
    await expect(openLmdbStore(garbage)).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining(garbage),
    });
    const file = join(root, "file");
    writeFileSync(file, "");
    await expect(openLmdbStore(file)).rejects.toMatchObject({ code: "unavailable" });
  });

  it("loses nothing it acknowledged when the process is killed while writing: 3 rounds", async () => {
    const dir = join(temporaryFolder(), "kv");
    for (let round = 0; round < 3; round++) {
      const acknowledged = await killedAfter(dir, `r${round}`, 40);
      expect(acknowledged.length).toBeGreaterThanOrEqual(40);
      const store = await openLmdbStore(dir);
      for (const key of acknowledged) expect(text(await store.get(key))).toBe(`value of ${key}`);
      await store.close();
    }
  });

  it("refuses writes on a full disk, keeps its records, and carries on when there is room", () => {
    const dir = join(temporaryFolder(), "kv");
    const script = new URL("./lmdb-writer.mjs", import.meta.url).pathname;
    // A limit of 400 KiB on file size stands in for a full disk. The driver reports it on stderr.
    const command = 'ulimit -f 800; exec "$0" "$@"';
    const { stdout, status } = spawnSync("sh", ["-c", command, process.execPath, script, "fill", dir, "k"], {
      encoding: "utf8",
    });
    expect(JSON.parse(stdout)).toEqual({ code: "full", reads: true, after: "room again" });
    expect(status).toBe(0);
  });

  it("loses no change when two processes change the same key", async () => {
    const dir = join(temporaryFolder(), "kv");
    const store = await openLmdbStore(dir);
    const child = writer("count", dir, "shared", "50");
    const ended = once(child, "exit");
    await once(createInterface(child.stdout), "line"); // its first change is made
    for (let i = 0; i < 50; i++) await store.update("shared", increment);
    expect((await ended)[0]).toBe(0);
    expect(text(await store.get("shared"))).toBe("100");
    await store.close();
  });
});

describe("openStore", () => {
  it("opens memory: and lmdb:DIR by name", async () => {
    for (const name of ["memory:", `lmdb:${join(temporaryFolder(), "kv")}`]) {
      const store = await openStore(name);
      await store.update("a", () => bytes("one"));
      expect(text(await store.get("a"))).toBe("one");
      await store.close();
    }
  });

  it("lists the types when it does not know one, and insists on a folder where one belongs", async () => {
    for (const name of ["redis:x", "memory", "", "constructor:x", ":x"])
      await expect(openStore(name)).rejects.toThrow(
        new RangeError(`store: expected memory:, lmdb: or postgres:, got "${name}"`),
      );
    await expect(openStore("lmdb:")).rejects.toBeInstanceOf(RangeError);
    await expect(openStore("memory:x")).rejects.toBeInstanceOf(RangeError);
  });
});

/** Runs test/store/lmdb-writer.mjs, which prints a line for every acknowledged change. */
function writer(...args: string[]) {
  const script = new URL("./lmdb-writer.mjs", import.meta.url);
  return spawn(process.execPath, [script.pathname, ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

/**
 * Lets the child write until `count` changes are acknowledged, then kills it; returns all that were
 * acknowledged.
 */
async function killedAfter(dir: string, prefix: string, count: number): Promise<string[]> {
  const child = writer("write", dir, prefix);
  const acknowledged: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    acknowledged.push(line);
    if (acknowledged.length === count) child.kill("SIGKILL");
  }
  expect(child.signalCode ?? (await once(child, "exit"))[1]).toBe("SIGKILL");
  return acknowledged;
}
