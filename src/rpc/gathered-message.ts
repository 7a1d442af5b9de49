/**
 * A message whose parts are still apart, for grpc-js's servers: of the buffer that a codec gives they want
 * its length, and to have it copied to behind their own five bytes. So a large message is copied once.
 */
export class GatheredMessage {
  readonly byteLength: number;
  readonly #parts: readonly Uint8Array[];

  /** @param parts one after the other; they must stay as they are until the message is written. */
  constructor(parts: readonly Uint8Array[]) {
    let size = 0;
    for (const part of parts) size += part.length;
    this.byteLength = size;
    this.#parts = parts;
  }

  get length(): number {
    return this.byteLength;
  }

  /** As Buffer's `copy`: writes the message to `target` from `start` on, and returns its length. */
  copy(target: Uint8Array, start = 0): number {
    let at = start;
    for (const part of this.#parts) {
      target.set(part, at);
      at += part.length;
    }
    return this.byteLength;
  }
}
