/**
 * What a wrong clock has left in a replay cache that is kept in a store: times that are closed and yet to
 * come. Who is not willing to wait for them to pass begins the cache anew, while its servers run.
 */
import { randomBytes } from "node:crypto";
import { openStore } from "../open-store.js";
import type { ClosedTime } from "./closed-times.js";
import { decodeState, encodeState, SLOTS, STATE, slotOf } from "./replay-log.js";
import { bucketWidth } from "./replay-rules.js";

/**
 * The closed times that end later than one skew from `now`, oldest first.
 * @param name as `openStore` takes it.
 * @param skew in milliseconds, as `now` since the epoch.
 * @throws StoreError, `corrupt` for a state that is none.
 */
export async function timesClosedAhead(
  name: string,
  skew: number,
  now: number,
): Promise<readonly ClosedTime[]> {
  const store = await openStore(name);
  try {
    const value = await store.get(STATE);
    const closed = value === undefined ? [] : decodeState(value).closed;
    return closed.filter(({ through }) => through > now + skew);
  } finally {
    await store.close();
  }
}

/**
 * Begins a replay cache anew, as after a restart without memory: it remembers nothing, and takes nothing that
 * was made up to one skew from `now`. What was accepted while a clock was further ahead than that can be
 * repeated once, when that time comes and if its ticket is good then.
 * @throws StoreError as thrown by the backend.
 */
export async function beginReplayCacheAnew(name: string, skew: number, now: number): Promise<void> {
  const store = await openStore(name);
  try {
    const keys: string[] = [];
    for await (const [key] of store.scan("")) if (key !== STATE) keys.push(key);
    const last = Math.max(0, ...keys.filter((key) => key.startsWith(SLOTS)).map(slotOf));
    await store.update(STATE, () =>
      encodeState({
        generation: randomBytes(6).readUIntBE(0, 6),
        width: bucketWidth(skew),
        // Past the slot that a process may be appending to.
        first: last + 2,
        closed: [{ from: Number.NEGATIVE_INFINITY, through: now + skew }],
      }),
    );
    for (const key of keys) await store.update(key, () => undefined);
  } finally {
    await store.close();
  }
}
