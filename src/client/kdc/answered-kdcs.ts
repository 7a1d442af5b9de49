/**
 * Which of a realm's KDCs answered last, where the first did not: it is asked first for a while. All clients
 * of a process share what one of them found out.
 */
import { LruMap } from "../../collections/lru-map.js";

/** For how long another than the first KDC is asked first, in milliseconds; then the first has its turn. */
const KEPT_MS = 300_000;
/** The most lists of KDCs that something is kept of. */
const MAX_LISTS = 1_000;

interface Answered {
  readonly address: string;
  /** Since when it is asked first, in milliseconds since the epoch. */
  readonly since: number;
}

/** What is known of some lists of KDCs. */
export class AnsweredKdcs {
  readonly #first = new LruMap<string, Answered>(MAX_LISTS);

  /** The addresses in the order in which they are to be asked. `now` in milliseconds since the epoch. */
  inOrder(addresses: readonly string[], now: number): readonly string[] {
    const kept = this.#first.get(nameOf(addresses));
    if (kept === undefined || Math.abs(now - kept.since) >= KEPT_MS) return addresses;
    return [kept.address, ...addresses.filter((address) => address !== kept.address)];
  }

  /** Notes that one of the addresses has answered. */
  answered(addresses: readonly string[], address: string, now: number): void {
    const name = nameOf(addresses);
    const kept = this.#first.get(name);
    if (address === addresses[0]) this.#first.delete(name);
    else if (kept?.address !== address || Math.abs(now - kept.since) >= KEPT_MS)
      this.#first.set(name, { address, since: now });
  }
}

/** What the clients of this process have found out. */
export const ANSWERED_HERE = new AnsweredKdcs();

function nameOf(addresses: readonly string[]): string {
  return addresses.join(" ");
}
