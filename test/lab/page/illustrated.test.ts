/** The illustrated login: small, closed, whole; no byte in it is without a name and an explanation. */
import { describe, expect, test } from "vitest";
import { bitsOf, blockSteps, keySteps } from "../../../src/des/steps.js";
import { recordedExample } from "../../../src/lab/page/des/examples.js";
import {
  explanationsOf,
  type Leaf,
  nameOfLeaf,
  type Reader,
  readMessage,
} from "../../../src/lab/page/parts/reading.js";
import type { TranscriptMessage } from "../../../src/lab/transcript/transcript.js";
import { html, packed, transcripts } from "./illustrated.js";

const READERS: readonly Reader[] = ["C", "AS", "TGS", "V", "eavesdropper"];

const messages = transcripts.flatMap(({ scene, messages }) =>
  messages.map((message) => ({ name: `${scene} (${message.number})`, message })),
);

function sizeOf(leaves: readonly Leaf[]): number {
  return leaves.reduce((sum, { hex }) => sum + hex.length / 2, 0);
}

describe("the file", () => {
  test("has less than 500,000 bytes", () => {
    expect(Buffer.byteLength(html)).toBeLessThan(500_000);
  });

  test("names no place that a browser would ask, and forbids itself to ask any", () => {
    expect(html).toContain("default-src 'none'");
    expect(
      html.match(/(?:\bsrc|\bhref)\s*=|@import|url\(|fetch\(|XMLHttpRequest|WebSocket|EventSource/g),
    ).toBe(null);
  });

  test("has a login in each scene, of six messages, each without a port or an address of this machine", () => {
    expect(transcripts.map(({ scene }) => scene)).toEqual(["textbook", "standard", "textbook-ecb"]);
    for (const { messages } of transcripts)
      expect(messages.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(JSON.stringify(packed)).not.toMatch(/127\.0\.0\.1|localhost:/);
  });
});

describe.each(messages)("$name", ({ message }: { message: TranscriptMessage }) => {
  test.each(READERS)("%s reads each byte once, each with a name and an explanation", (reader) => {
    const { leaves } = readMessage(message, reader);
    expect(sizeOf(leaves)).toBe(message.hex.length / 2);
    for (const leaf of leaves) {
      expect(nameOfLeaf(leaf)).toMatch(/\S/);
      const said = explanationsOf(leaf, packed.kinds);
      expect(said.length).toBeGreaterThan(0);
      for (const { of, text } of said) expect([of, text]).toEqual([expect.stringMatching(/\S/), text]);
      expect(said.every(({ text }) => text.length > 10)).toBe(true);
    }
  });

  test("no byte is without a reader: each box opens for somebody, and stays closed to whoever listens", () => {
    for (const part of message.sealed) expect(part.opensFor.length).toBeGreaterThan(0);
    const boxes = readMessage(message, "eavesdropper").items.filter((item) => "part" in item);
    expect(boxes.map((box) => "open" in box && box.open)).toEqual(message.sealed.map(() => false));
  });
});

test("a byte without a label is found", () => {
  const { message } = messages[0]!;
  const tree = { ...message.tree, children: message.tree.children.slice(1) };
  const { leaves } = readMessage({ ...message, tree }, "C");
  expect(sizeOf(leaves)).toBeLessThan(message.hex.length / 2);
});

test("the block of message 1 that DES is shown with is enciphered as it travelled", () => {
  const { key, block } = recordedExample(transcripts)!;
  const [first] = transcripts.find(({ scene }) => scene === "textbook-ecb")!.messages;
  const [part] = first!.sealed;
  const travelled = Buffer.from(first!.hex.slice(2 * part!.at, 2 * part!.at + 16), "hex");
  expect(blockSteps(block, keySteps(key)).output).toBe(bitsOf(travelled));
});

test("under ECB equal blocks show to everybody, under CBC and AES none", () => {
  const equal = transcripts.map(({ scene, messages }) => ({
    scene,
    blocks: messages.flatMap(({ sealed }) => sealed.flatMap(({ equalBlocks }) => equalBlocks)).length,
  }));
  expect(equal).toEqual([
    { scene: "textbook", blocks: 0 },
    { scene: "standard", blocks: 0 },
    { scene: "textbook-ecb", blocks: expect.any(Number) },
  ]);
  const request = transcripts[2]!.messages[4]!.sealed.find(({ field }) => field === "request")!;
  expect(request.equalBlocks[0]!.length).toBeGreaterThanOrEqual(2);
});
