/**
 * The connections that wait to be read, and whose turn it is: the peers one after the other, each for its
 * part of a turn, and of a peer's connections those with little to say first, then newcomers for half of what
 * is left, then the others in the order in which they came.
 */
import type { ReadPeer, Visitor } from "./visitor.js";

/** Those of a peer who wait. */
interface Queue {
  /** They have little to say, and come first. */
  readonly light: Visitor[];
  /** They have said nothing yet: the newest comes first. */
  fresh: Visitor[];
  /** The others, in the order in which they came to wait. */
  heavy: Visitor[];
}

/** Reads a connection. @returns what it is likely to cost, in milliseconds of the processor. */
type Read = (visitor: Visitor) => number;

/** Those who wait, by peer, in the order in which the peers come. */
export class Waiting {
  readonly #queues = new Map<ReadPeer, Queue>();
  #size = 0;

  /** How many there are; some may be gone. */
  get size(): number {
    return this.#size;
  }

  addLight(visitor: Visitor): void {
    this.#of(visitor).light.push(visitor);
  }

  addFresh(visitor: Visitor): void {
    this.#of(visitor).fresh.push(visitor);
  }

  addHeavy(visitor: Visitor): void {
    this.#of(visitor).heavy.push(visitor);
  }

  /** Adds one that comes before all others of its kind: it was to be read, and there was no time. */
  addHeavyFirst(visitor: Visitor): void {
    this.#of(visitor).heavy.unshift(visitor);
  }

  /** Has those be read who have little to say: they do not wait for what others said. */
  readLight(turnMs: number, read: Read): void {
    let leftMs = turnMs;
    for (const { light } of this.#queues.values())
      while (light.length > 0 && leftMs > 0) leftMs -= this.#read(light.shift()!, read);
  }

  /**
   * Has the next be read, a turn's worth, each once in a round.
   * @returns whether the round is over: there is time left, and nobody whom it did not come to.
   */
  readNext(turnMs: number, round: number, read: Read): boolean {
    const part = turnMs / Math.max(this.#queues.size, 1);
    let leftMs = turnMs;
    for (const [peer, queue] of [...this.#queues]) {
      if (leftMs <= 0) break;
      // To the end of the order.
      this.#queues.delete(peer);
      const forPeer = Math.min(part, leftMs);
      for (let ms = 0; ms < forPeer; ) {
        const newcomer = () => (ms < forPeer / 2 ? queue.fresh.pop() : undefined);
        const heavy = () => (isToCome(queue.heavy[0], round) ? queue.heavy.shift() : undefined);
        const visitor = queue.light.shift() ?? newcomer() ?? heavy() ?? queue.fresh.pop();
        if (visitor === undefined) break;
        const costMs = this.#read(visitor, read);
        ms += costMs;
        leftMs -= costMs;
      }
      if (queue.light.length + queue.fresh.length + queue.heavy.length > 0) this.#queues.set(peer, queue);
    }
    return leftMs > 0 && ![...this.#queues.values()].some(({ heavy }) => isToCome(heavy[0], round));
  }

  /** Takes out whom a round did not come to. A peer that has a share keeps one: it may have no other. */
  takeRest(round: number): readonly Visitor[] {
    const rest: Visitor[] = [];
    for (const [{ hasShare }, queue] of this.#queues) {
      const kept = hasShare ? (queue.heavy[0] ?? queue.fresh.at(-1)) : undefined;
      const stays = (one: Visitor) => one === kept || rest.push(one) === 0;
      queue.heavy = queue.heavy.filter((one) => !isToCome(one, round) || stays(one));
      queue.fresh = queue.fresh.filter(stays);
    }
    this.#size -= rest.length;
    return rest;
  }

  #read(visitor: Visitor, read: Read): number {
    this.#size--;
    return read(visitor);
  }

  #of({ peer }: Visitor): Queue {
    this.#size++;
    let queue = this.#queues.get(peer);
    if (queue === undefined) {
      queue = { light: [], fresh: [], heavy: [] };
      this.#queues.set(peer, queue);
    }
    return queue;
  }
}

/** Whether a round did not come to it yet. */
function isToCome(visitor: Visitor | undefined, round: number): visitor is Visitor {
  return visitor !== undefined && visitor.round !== round;
}
