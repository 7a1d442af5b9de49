/** A replay cache that real processes share. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openLmdbStore } from "../../src/store/lmdb/store.js";
import { StoreReplayCache } from "../../src/store/replay/store-replay-cache.js";
import { S } from "./replay-cache-suite.js";

const newFolder = () => {
  const dir = mkdtempSync(join(tmpdir(), "tessera-replay-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, "replay");
};

describe("lmdb: two processes", () => {
  it("accept each of 2,000 authenticators once, whoever is asked", async () => {
    const dir = newFolder();
    const children = ["0", "1980"].map((first) =>
      spawn(process.execPath, ["test/store/replay-storer.mjs", dir, "2000", first]),
    );
    onTestFinished(() => {
      for (const child of children) child.kill("SIGKILL");
    });
    for (const child of children) await once(child.stdout, "data");
    const outputs = children.map((child) => {
      const output = { text: "" };
      child.stdout.on("data", (chunk: Buffer) => {
        output.text += chunk;
      });
      return output;
    });
    // The first batches are at different places, so that both have a part; then each offers all the others.
    const begun = children.map((child) => once(child.stdout, "data"));
    for (const child of children) child.stdin.write("go\n");
    await Promise.all(begun);
    const closed = children.map((child) => once(child, "close"));
    for (const child of children) child.stdin.write("go\n");
    for (const [code] of await Promise.all(closed)) expect(code).toBe(0);
    const lines = outputs.map(({ text }) => text.trim().split("\n"));
    const accepted = lines.flat().filter((line) => line !== "");
    expect(accepted).toHaveLength(2000);
    expect(new Set(accepted).size).toBe(2000);
    for (const own of lines) expect(own.length).toBeGreaterThan(1);
    const cache = await StoreReplayCache.open(await openLmdbStore(dir), { skew: S });
    expect(cache.size).toBe(2000);
    await cache.close();
  });
});
