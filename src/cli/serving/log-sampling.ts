/**
 * The sampling of the servers' log: of a refusal that one peer gets again and again one line is written, and
 * then how often.
 *
 * Invariants. Only refusals are counted together, and only those that are the same in exchange, outcome,
 * client, server, method and address: of names that are tried one after the other each has its line. The
 * first is written at once; how many followed, after a second or at the end. What is beyond the room for
 * kinds is written line by line.
 */
import { isoTime } from "../../protocol/kerberos-time.js";
import { peerAddress } from "../../rpc/network-address.js";
import type { Timer } from "../../rpc/timer.js";
import type { Log, LogRecord } from "../../services/exchange-log.js";

/** How long refusals are counted before a line says how many there were, in milliseconds. */
export const SAMPLE_MS = 1_000;
/** The most kinds of refusals that are counted at a time. */
const KINDS = 1_000;

interface Kind {
  readonly like: LogRecord;
  count: number;
}

/** A log in which refusals that are alike are counted together. */
export class LogSampling implements Disposable {
  readonly #log: Log;
  readonly #timer: Timer;
  readonly #now: () => number;
  #kinds = new Map<string, Kind>();
  #cancel: (() => void) | undefined;

  /** @param now milliseconds since the epoch. */
  constructor(log: Log, timer: Timer, now: () => number) {
    this.#log = log;
    this.#timer = timer;
    this.#now = now;
  }

  readonly write: Log = (record) => {
    if (!isRefusal(record) || !this.#isCounted(record)) this.#log(record);
  };

  [Symbol.dispose](): void {
    this.#cancel?.();
    this.#tell();
  }

  /** Whether it is one more of a kind that has its line. */
  #isCounted(record: LogRecord): boolean {
    const { exchange, result, client, server, method, peer } = record;
    const name = JSON.stringify([exchange, result, client, server, method, peerAddress(String(peer))]);
    const kind = this.#kinds.get(name);
    if (kind !== undefined) {
      kind.count++;
      return true;
    }
    if (this.#kinds.size < KINDS) this.#kinds.set(name, { like: record, count: 0 });
    this.#cancel ??= this.#timer(SAMPLE_MS, () => this.#tell());
    return false;
  }

  /** Says how many there were, and begins anew. */
  #tell(): void {
    const kinds = this.#kinds;
    this.#kinds = new Map();
    this.#cancel = undefined;
    for (const { like, count } of kinds.values()) {
      if (count === 0) continue;
      const { level, exchange, result, client, server, method, peer } = like;
      const text = `${count} more like the last within a second`;
      const told = { time: isoTime(this.#now()), exchange, peer, client, server, method, level, result };
      this.#log({ ...told, repeated: count, text });
    }
  }
}

function isRefusal({ level, result, peer }: LogRecord): boolean {
  return level === "warn" && result !== undefined && peer !== undefined;
}
