/**
 * gRPC's length-prefixed messages (PROTOCOL-HTTP2, "Length-Prefixed-Message"): a flag, four bytes of length,
 * the message. Connect hands on the bytes of HTTP bodies, cut anywhere.
 */
import * as grpc from "@grpc/grpc-js";
import { GatheredMessage } from "../rpc/gathered-message.js";
import { RpcError } from "../rpc/rpc-error.js";
import { toBuffer } from "../rpc/to-buffer.js";

const PREFIX_BYTES = 5;

/** Takes messages out of the chunks of a body. */
export class EnvelopeReader {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #held = 0;
  /** How many bytes there must be before anything can be taken out. */
  #needed = PREFIX_BYTES;

  /** @param maxBytes the largest message taken. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * The messages that are whole with this chunk; they may alias it.
   * @throws RpcError UNIMPLEMENTED for a compressed message, which no proof covers; RESOURCE_EXHAUSTED for
   *   one that is too large.
   */
  push(chunk: Uint8Array): Buffer[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    const messages: Buffer[] = [];
    while (this.#held >= this.#needed) {
      const bytes = this.#joined();
      const end = PREFIX_BYTES + this.#sizeOf(bytes);
      this.#needed = end;
      if (bytes.length < end) break;
      messages.push(bytes.subarray(PREFIX_BYTES, end));
      this.#chunks = [bytes.subarray(end)];
      this.#held -= end;
      this.#needed = PREFIX_BYTES;
    }
    return messages;
  }

  /** Throws RpcError INTERNAL where the body ended within a message. */
  end(): void {
    if (this.#held > 0) throw new RpcError(grpc.status.INTERNAL, "the body ended within a message");
  }

  /** All that is held, in one piece. */
  #joined(): Buffer {
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 ? toBuffer(first!) : Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return bytes;
  }

  #sizeOf(bytes: Buffer): number {
    if (bytes[0] !== 0) throw new RpcError(grpc.status.UNIMPLEMENTED, "compressed messages are not taken");
    const size = bytes.readUInt32BE(1);
    if (size <= this.#maxBytes) return size;
    const text = `a message of ${size} bytes: at most ${this.#maxBytes} are taken`;
    throw new RpcError(grpc.status.RESOURCE_EXHAUSTED, text);
  }
}

/** A message with its prefix. */
export function envelope(message: Uint8Array | GatheredMessage): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  if (message instanceof GatheredMessage) message.copy(bytes, PREFIX_BYTES);
  else bytes.set(message, PREFIX_BYTES);
  return bytes;
}

/** The messages of a body, one by one. Throws as `EnvelopeReader`. */
export async function* messagesOf(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Buffer> {
  const reader = new EnvelopeReader(maxBytes);
  for await (const chunk of body) yield* reader.push(chunk);
  reader.end();
}
