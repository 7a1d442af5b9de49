/** A replay cache that real processes share. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openLmdbStore } from "../../src/store/lmdb-store.js";
import { StoreReplayCache } from "../../src/store/store-replay-cache.js";
import { S } from "./replay-cache-suite.js";

const newFolder = () => {
  const dir = mkdtempSync(join(tmpdir(), "tessera-replay-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, "replay");
};

describe("lmdb: two processes", () => {
  it("accept each of 2,000 authenticators once, whoever is asked", { timeout: 60_000 }, async () => {
    const dir = newFolder();
    const children = ["0", "1980"].map((first) =>
      spawn(process.execPath, ["test/store/replay-storer.mjs", dir, "2000", first]),
    );
    onTestFinished(() => {
      for (const child of children) child.kill("SIGKILL");
    });
    for (const child of children) await once(child.stdout, "data");
    const lines = await Promise.all(
      children.map(async (child) => {
        let out = "";
        child.stdout.on("data", (chunk: Buffer) => {
          out += chunk;
        });
        child.stdin.write("go\n");
        const [code] = await once(child, "close");
        expect(code).toBe(0);
        return out.trim().split("\n");
      }),
    );
    const accepted = lines.flat().filter((line) => line !== "");
    expect(accepted).toHaveLength(2000);
    expect(new Set(accepted).size).toBe(2000);
    // Both had a part: they began at the same time, at different places.
    for (const own of lines) expect(own.length).toBeGreaterThan(1);
    const cache = await StoreReplayCache.open(await openLmdbStore(dir), { skew: S });
    expect(cache.size).toBe(2000);
    await cache.close();
  });
});
