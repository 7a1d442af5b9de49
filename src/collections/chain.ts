/**
 * What comes and goes by the thousand, few at a time: the calls that are open, the connections, who waits.
 *
 * V8 replaces the table of a `Set` or `Map` by another after some additions, and the old one refers to it: a
 * table that has grown old keeps all those that follow it, until the next full collection, with whatever was
 * in each of them when it was replaced. A `Set` of open calls so has the collector copy every call, and all
 * that hangs on it, as though it stayed for ever. A link of a chain keeps nothing once it is out.
 */

/** The place of one member; for the chain alone, but for whose it is and whether it is in. */
export interface Link<T> {
  readonly member: T;
  readonly isIn: boolean;
}

interface OwnLink<T> extends Link<T> {
  isIn: boolean;
  previous: OwnLink<T> | undefined;
  next: OwnLink<T> | undefined;
}

/** Members in the order in which they came; whoever adds one keeps its link, and takes it out by that. */
export class Chain<T> {
  #first: OwnLink<T> | undefined;
  #last: OwnLink<T> | undefined;
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** The link of the one that has been there for longest. */
  get first(): Link<T> | undefined {
    return this.#first;
  }

  /** Adds one at the end. */
  add(member: T): Link<T> {
    const link: OwnLink<T> = { member, isIn: true, previous: this.#last, next: undefined };
    if (this.#last === undefined) this.#first = link;
    else this.#last.next = link;
    this.#last = link;
    this.#size++;
    return link;
  }

  /** Takes one out, by a link of this chain; nothing happens where there is none, or it is out already. */
  remove(link: Link<T> | undefined): void {
    if (link === undefined || !link.isIn) return;
    const own = link as OwnLink<T>;
    const { previous, next } = own;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    own.isIn = false;
    own.previous = undefined;
    own.next = undefined;
    this.#size--;
  }

  /** Those that are there now, but for those taken out by the time that it is their turn. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    const links: OwnLink<T>[] = [];
    for (let link = this.#first; link !== undefined; link = link.next) links.push(link);
    for (const link of links) if (link.isIn) yield link.member;
  }
}
