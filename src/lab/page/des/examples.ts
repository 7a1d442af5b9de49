/** The blocks that are shown: one whose values are published, and one that travelled. */
import type { Transcript } from "../../transcript/transcript.js";

/** A key and a block, 8 bytes each. */
export interface DesExample {
  readonly key: Uint8Array;
  readonly block: Uint8Array;
  /** What they are. */
  readonly about: string;
  /** What the result shows. */
  readonly conclusion: string;
}

/** The example of J. Orlin Grabbe, "The DES Algorithm Illustrated". */
export const PUBLISHED: DesExample = {
  key: bytesOf("133457799bbcdff1"),
  block: bytesOf("0123456789abcdef"),
  about:
    "The key 133457799BBCDFF1 and the block 0123456789ABCDEF, worked through by J. Orlin Grabbe in “The " +
    "DES Algorithm Illustrated” and in many courses since.",
  conclusion: "That is the published value.",
};

/** The first block of the proof in message 1, where it was enciphered with DES by itself. */
export function recordedExample(transcripts: readonly Transcript[]): DesExample | undefined {
  const transcript = transcripts.find(({ scene }) => scene === "textbook-ecb");
  const message = transcript?.messages.find(({ number }) => number === 1);
  const part = message?.sealed[0];
  const key = transcript?.keys.find(({ symbol }) => symbol === part?.key);
  if (message === undefined || part?.opened === undefined || key?.hex.length !== 16) return undefined;
  return {
    key: bytesOf(key.hex),
    block: bytesOf(part.opened.hex.slice(0, 16)),
    about:
      "K_c, made of alice’s password, and the first 8 bytes of her proof, as message 1 carries it under " +
      "DES in ECB: there each block is enciphered by itself.",
    conclusion: `They are bytes ${part.at} to ${part.at + 7} of that message: choose “DES in ECB” above and see.`,
  };
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );
}
