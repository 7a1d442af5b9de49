/** A transcript has every byte, what was sealed, who can open it and who holds which key since when. */
import { expect, test } from "vitest";
import { type ByteNode, leavesOf } from "../../../src/lab/bytes/byte-node.js";
import type { CapturedCall } from "../../../src/lab/capture.js";
import { makeTranscript } from "../../../src/lab/transcript/make-transcript.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { calls, rings } from "../dialogue.js";

const ABOUT = { title: "A login", scene: "textbook", realm: "EXAMPLE.TEST" } as const;
const transcript = makeTranscript(calls, rings(), ABOUT);

function symbols(node: ByteNode): string[] {
  return [...(node.symbol === undefined ? [] : [node.symbol]), ...node.children.flatMap(symbols)];
}

test("six messages, in order, as they travelled", () => {
  expect(transcript.messages.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(transcript.messages.map(({ from, to }) => `${from}-${to}`)).toEqual(
    ["C-AS", "AS-C", "C-TGS", "TGS-C", "C-V", "V-C"], // the textbook's arrows
  );
  const [first] = calls;
  expect(transcript.messages[0]!.hex).toBe(Buffer.from(first!.request).toString("hex"));
  expect(transcript.messages[1]!.hex).toBe(Buffer.from(first!.response!).toString("hex"));
});

test("is plain JSON", () => {
  expect(JSON.parse(JSON.stringify(transcript))).toEqual(transcript);
});

test("every byte of every message and of every part is in a leaf with a name", () => {
  for (const { hex, tree, sealed } of transcript.messages)
    for (const [bytes, root] of [
      [hex, tree],
      ...sealed.map(({ opened }) => [opened!.hex, opened!.tree]),
    ] as const) {
      let at = 0;
      for (const leaf of leavesOf(root as ByteNode)) {
        expect(leaf.at).toBe(at);
        expect(leaf.name).not.toBe("");
        at += leaf.length;
      }
      expect(at).toBe((bytes as string).length / 2);
    }
});

test("each part says where its ciphertext is, and who opens it", () => {
  const parts = transcript.messages.flatMap(({ number, sealed }) =>
    sealed.map(({ field, key, opensFor }) => `${number} ${field} ${key}: ${opensFor.join(" ")}`),
  );
  expect(parts).toEqual([
    "1 padata K_c: C AS",
    "2 enc_part K_c: C AS",
    "2 ticket K_tgs: AS TGS",
    "3 ticket K_tgs: AS TGS",
    "3 authenticator K_c,tgs: C AS TGS",
    "4 enc_part K_c,tgs: C AS TGS",
    "4 ticket K_v: TGS V",
    "5 ticket K_v: TGS V",
    "5 authenticator K_c,v: C TGS V",
    "5 request Subkey_c: C V",
    "6 ap_rep K_c,v: C TGS V",
    "6 response Subkey_v: C V",
  ]);
  for (const { hex, sealed } of transcript.messages)
    for (const { at, length, opened } of sealed) {
      expect(at + length).toBeLessThanOrEqual(hex.length / 2);
      expect(opened!.hex).toHaveLength(2 * length);
    }
});

test("the textbook's symbols are where they belong", () => {
  const at = (number: number) => symbols(transcript.messages[number - 1]!.tree);
  expect(at(1)).toEqual(["ID_c"]);
  expect(at(3)).toEqual(["Ticket_tgs", "ID_tgs", "Authenticator_c", "ID_v"]);
  const ticket = transcript.messages[3]!.sealed.find(({ field }) => field === "ticket")!;
  expect(symbols(ticket.opened!.tree)).toEqual(["K_c,v", "ID_c", "TS4", "TS4 + Lifetime4", "ID_v"]);
});

test("each key has who holds it, and since which message", () => {
  const held = transcript.keys.map(
    ({ symbol, heldBy }) => `${symbol}: ${heldBy.map(({ party, since }) => `${party} ${since}`).join(", ")}`,
  );
  expect(held).toEqual([
    "K_c: C 0, AS 0",
    "K_tgs: AS 0, TGS 0",
    "K_v: TGS 0, V 0",
    "K_c,tgs: C 2, AS 2, TGS 3",
    "K_c,v: C 4, TGS 4, V 5",
    "Subkey_c: C 5, V 5",
    "Subkey_v: C 6, V 6",
  ]);
});

test("a call that was refused has an answer without bytes that says why", () => {
  const refusal = new KrbError("KRB_AP_ERR_REPEAT", "replayed");
  const call: CapturedCall = { ...calls[2]!, response: undefined, refusal };
  const [, answer] = makeTranscript([call], rings(), ABOUT).messages;
  expect(answer).toMatchObject({ number: 6, hex: "", sealed: [] });
  expect(answer!.refusal).toEqual({ reason: "KRB_AP_ERR_REPEAT", code: 34, text: "replayed" });
});

test("a message that was cut or altered is shown as far as it can be read", () => {
  for (const [index, whole] of calls.entries())
    for (const request of [
      whole.request.subarray(0, 40),
      whole.request.map((byte, at) => (at === 1 ? 0xff : byte)),
    ]) {
      const [first] = makeTranscript([{ ...whole, request }], rings(), ABOUT).messages;
      expect(first!.number).toBe(2 * index + 1);
      expect(leavesOf(first!.tree).reduce((sum, { length }) => sum + length, 0)).toBe(request.length);
    }
});

test("calls of other services give nothing", () => {
  const other = { ...calls[0]!, path: "/orders.v1.OrderService/ListOrders" };
  expect(makeTranscript([other], rings(), ABOUT).messages).toEqual([]);
});
