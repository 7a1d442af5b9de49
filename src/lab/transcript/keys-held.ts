/** Every key of a dialogue, and who holds it since which message. */
import { hexOf } from "../bytes/readable.js";
import type { KeyRings } from "../key-rings.js";
import type { KeySymbol, Party } from "../parties.js";
import type { KeyHolder, TranscriptKey } from "./transcript.js";

/** Watches rings of keys while they grow. A symbol that comes to stand for another key begins a new entry. */
export class KeysHeld {
  readonly #keys: { symbol: KeySymbol; etype: string; hex: string; heldBy: KeyHolder[] }[] = [];

  /** @param rings what parties hold from the start. */
  constructor(rings: KeyRings) {
    this.note(rings, 0);
  }

  /** Notes what is new in the rings since the message at that place, from 1. */
  note(rings: KeyRings, since: number): void {
    for (const [party, ring] of rings)
      for (const [symbol, held] of ring) {
        const hex = hexOf(held.exportBytes());
        let key = this.#keys.find((known) => known.symbol === symbol && known.hex === hex);
        if (key === undefined) {
          key = { symbol, etype: held.etype.name, hex, heldBy: [] };
          this.#keys.push(key);
        }
        if (!holds(key.heldBy, party)) key.heldBy.push({ party, since });
      }
  }

  /** The keys, in the order in which they came up. */
  all(): TranscriptKey[] {
    return this.#keys.map((key) => ({ ...key, heldBy: [...key.heldBy] }));
  }
}

function holds(holders: readonly KeyHolder[], party: Party): boolean {
  return holders.some((holder) => holder.party === party);
}
