/** Failed logins counted by several processes at once. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { LoginAttempts } from "../../../src/store/attempts/login-attempts.js";
import { named } from "../../support/entries.js";

const WRITER = fileURLToPath(new URL("../attempts-writer.mjs", import.meta.url));
const NOW = 1_000_000_000_000;

test("processes that count at the same moment lose nothing, and one that is killed takes nothing with it", async () => {
  const dir = mkdtempSync(join(tmpdir(), "tessera-attempts-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const path = join(dir, "attempts");
  const start = async (name: string, times: number): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [WRITER, path, named(name), String(times)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    return child;
  };
  const writers = await Promise.all([start("alice", 3_000), start("bob", 3_000), start("alice", 0)]);
  const killed = await start("carol", 1_000_000);
  for (const child of [...writers, killed]) child.stdin!.write("go\n");
  const codes = await Promise.all(writers.map(async (child) => (await once(child, "exit"))[0]));
  expect(codes).toEqual([0, 0, 0]);
  killed.kill("SIGKILL");
  await once(killed, "exit");
  const attempts = await LoginAttempts.open(path);
  onTestFinished(() => attempts.close());
  const counts = ["alice", "bob", "carol"].map((name) => attempts.of(named(name)).failures);
  expect(counts.slice(0, 2)).toEqual([3_000, 3_000]);
  expect(counts[2]).toBeGreaterThan(0);
  // The bucket that all of them took from has lost as many; the killed one may not have come to it.
  const used = counts[0]! + counts[1]! + counts[2]!;
  const limit = { count: 1_000_000, span: 86_400_000 };
  const at = (more: number) => {
    const peer = { count: used + more, span: (used + more) * 86.4 };
    const limits = { nameAndPeer: limit, name: limit, peer };
    return attempts.begin(named("dave"), "192.0.2.1", limits, NOW).waitMs;
  };
  expect(at(1)).toBeLessThan(1);
  expect(at(-2)).toBeGreaterThan(80);
});
