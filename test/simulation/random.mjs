/** Numbers from a seed (sfc32): the same seed, the same numbers. Streams with other names are independent. */

export class Random {
  #a;
  #b;
  #c;
  #count = 1;

  /** @param seed a whole number. @param name tells streams of one seed apart. */
  constructor(seed, name = "") {
    let hash = 0x811c9dc5;
    for (const char of `${seed} ${name}`) hash = Math.imul(hash ^ char.codePointAt(0), 0x01000193);
    this.#a = hash | 0;
    this.#b = Math.imul(hash, 0x9e3779b1) | 0;
    this.#c = seed | 0;
    for (let warm = 0; warm < 16; warm++) this.uint32();
  }

  uint32() {
    const sum = (((this.#a + this.#b) | 0) + this.#count++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum >>> 0;
  }

  /** From 0 up to, and without, 1. */
  float() {
    return this.uint32() / 2 ** 32;
  }

  /** A whole number from `least` to `most`. */
  between(least, most) {
    return least + Math.floor(this.float() * (most - least + 1));
  }

  chance(probability) {
    return this.float() < probability;
  }

  pick(list) {
    return list[Math.floor(this.float() * list.length)];
  }

  fill(bytes) {
    for (let at = 0; at < bytes.length; at += 4) {
      const word = this.uint32();
      for (let byte = at; byte < at + 4 && byte < bytes.length; byte++)
        bytes[byte] = word >>> (8 * (byte - at));
    }
    return bytes;
  }
}
