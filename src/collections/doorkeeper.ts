/**
 * Who came lately. What is seldom asked for is not worth a place in a cache, which it takes from something
 * else: with more clients than there are places each would push out another before it comes again.
 */

/** A name has one place, which others may take: some are forgotten early, none is remembered for ever. */
export class Doorkeeper {
  readonly #names: Uint32Array;

  /** @param places some few for each place of the cache that it stands before. */
  constructor(places: number) {
    this.#names = new Uint32Array(places);
  }

  /** Whether a name came lately, this time apart. Once in four milliards it is another's name. */
  knows(name: string): boolean {
    const hash = hashOf(name);
    const place = hash % this.#names.length;
    const isKnown = this.#names[place] === hash;
    this.#names[place] = hash;
    return isKnown;
  }
}

/** FNV-1a, 32 bits, from 1 up. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0 || 1;
}
