// What replay caches cost: `npm run bench:replay -- [memory|lmdb|redis]`.
//
// memory: a million authenticators, what each takes of resident memory, and the longest that one addition and
// the end of a bucket stopped the process. lmdb, redis: CPU of this process a call, at several numbers of
// calls that come in one turn, less that of the cache in memory with the same calls; rounds of each
// alternate, medians are printed. redis needs redis-server on the PATH.
import { spawn } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openReplayCache } from "../../dist/services/index.js";

const SKEW = 300_000;
const wanted = process.argv.slice(2);
const wants = (name) => wanted.length === 0 || wanted.includes(name);
const settings = { skew: SKEW, startedAt: Date.now(), restart: "fresh" };
const tag = () => randomFillSync(new Uint8Array(16));
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

async function memory() {
  const count = 1_000_000;
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const cache = await openReplayCache("memory:", settings);
  const start = Date.now();
  const bytes = new Uint8Array(16);
  const add = (ctime) => cache.store(randomFillSync(bytes), ctime, ctime + SKEW, ctime);
  let longest = 0;
  const began = performance.now();
  for (let i = 0; i < count; i++) {
    const at = performance.now();
    // As they come in one skew.
    await add(start + (i * SKEW) / count);
    longest = Math.max(longest, performance.now() - at);
  }
  const each = ((performance.now() - began) * 1000) / count;
  globalThis.gc?.();
  const rss = process.memoryUsage().rss - before;
  console.log(`memory: ${cache.size} authenticators, ${(rss / count).toFixed(1)} bytes of RSS each`);
  console.log(`memory: ${each.toFixed(2)} µs a call, the longest ${longest.toFixed(2)} ms`);
  const held = cache.size;
  const at = performance.now();
  await add(start + 3 * SKEW);
  const ms = (performance.now() - at).toFixed(2);
  console.log(`memory: the end of ${held - cache.size + 1} authenticators took ${ms} ms`);
}

/** CPU in microseconds a call, of `rounds` times `calls` in a turn. */
async function cpuOf(cache, calls, rounds) {
  const started = process.cpuUsage();
  for (let round = 0; round < rounds; round++) {
    const now = Date.now();
    await Promise.all(Array.from({ length: calls }, () => cache.store(tag(), now, now + SKEW, now)));
  }
  const { user, system } = process.cpuUsage(started);
  return (user + system) / (rounds * calls);
}

async function shared(kind, name) {
  const [cache, plain] = [await openReplayCache(name, settings), await openReplayCache("memory:", settings)];
  for (const calls of [1, 8, 32, 128]) {
    const rounds = Math.ceil(4096 / calls / 4);
    await cpuOf(cache, calls, rounds);
    const figures = [];
    for (let i = 0; i < 5; i++)
      figures.push([await cpuOf(cache, calls, rounds), await cpuOf(plain, calls, rounds)]);
    const [own, floor] = [0, 1].map((at) => median(figures.map((pair) => pair[at])));
    const more = (own - floor).toFixed(1);
    console.log(
      `${kind}: ${calls} calls a turn: ${own.toFixed(1)} µs of CPU a call, ${more} more than in memory`,
    );
  }
  await cache.close();
  await plain.close();
}

async function redis() {
  const listener = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => listener.once("listening", resolve));
  const { port } = listener.address();
  listener.close();
  const server = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", ""]);
  try {
    for await (const chunk of server.stdout) if (/ready to accept/i.test(String(chunk))) break;
    await shared("redis", `redis://127.0.0.1:${port}`);
  } finally {
    server.kill();
  }
}

if (wants("memory")) await memory();
if (wants("lmdb")) {
  const dir = mkdtempSync(join(tmpdir(), "tessera-bench-"));
  await shared("lmdb", `lmdb:${join(dir, "replay")}`);
  rmSync(dir, { recursive: true });
}
if (wants("redis")) await redis();
