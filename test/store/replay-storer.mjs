// A process that offers the authenticators 0 to N to a replay cache on LMDB, in batches of 20 that others
// offer too, and prints those that it accepted. It says "ready", and offers the batch at FIRST when it is told
// to on stdin, and the others when it is told once more. DIR N FIRST
import { createHash } from "node:crypto";
import { once } from "node:events";
import { openLmdbStore } from "../../dist/store/lmdb/store.js";
import { StoreReplayCache } from "../../dist/store/replay/store-replay-cache.js";

const [dir, count, first] = process.argv.slice(2);
const skew = 300_000;
const now = Date.UTC(2026, 0, 2, 3, 4, 5);
const cache = await StoreReplayCache.open(await openLmdbStore(dir), { skew });
const tag = (name) => createHash("sha256").update(String(name)).digest().subarray(0, 16);
const batches = Array.from({ length: Number(count) / 20 }, (_, i) => i * 20);
process.stdout.write("ready\n");
await once(process.stdin, "data");
for (const from of [Number(first), ...batches.filter((batch) => batch !== Number(first))]) {
  const names = Array.from({ length: 20 }, (_, i) => from + i);
  const outcomes = await Promise.all(
    names.map((name) =>
      cache.store(tag(name), now, now + skew, now).then(
        () => name,
        (error) => error.reason,
      ),
    ),
  );
  const accepted = outcomes.filter((outcome) => typeof outcome === "number");
  if (outcomes.some((outcome) => typeof outcome !== "number" && outcome !== "KRB_AP_ERR_REPEAT"))
    throw new Error(outcomes.join(" "));
  if (accepted.length > 0) process.stdout.write(`${accepted.join("\n")}\n`);
  if (from === Number(first)) await once(process.stdin, "data");
}
await cache.close();
process.stdin.destroy();
