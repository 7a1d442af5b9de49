/** What came as the answer to a call, against the service's proof of it. */
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ReceivedAnswer } from "../../../src/client/guard/received-answer.js";
import { sha256 } from "../../../src/crypto/hash.js";
import { makeSessionReply, type SessionAnswer } from "../../../src/protocol/session-reply.js";
import { REPLY_METADATA, STATUS_DETAILS_METADATA } from "../../../src/rpc/metadata-names.js";
import { methodOf, sessionKeys } from "./by-hand.js";

const id = Uint8Array.from({ length: 16 }, (_, at) => at);
const keys = sessionKeys();
const NUMBERS = [7];
const response = Buffer.from("a response");
const details = Buffer.from("the details");

/** How the service has answered: NOT_FOUND with details, and a response all the same. */
const ANSWER: SessionAnswer = {
  session: id,
  number: 7,
  code: grpc.status.NOT_FOUND,
  message: "no such line: 50 % of “it”\n",
  details,
  responseSha256: sha256(response),
  responses: 0,
};

/** What arrives of it. */
interface Arrived {
  readonly proofs: readonly (Buffer | string)[];
  readonly code: number;
  readonly text: string;
  readonly details: readonly Buffer[];
  readonly responses: readonly Buffer[];
}
const proof = Buffer.from(makeSessionReply(keys.reply, ANSWER));
const AS_SENT: Arrived = {
  proofs: [proof],
  code: ANSWER.code,
  text: ANSWER.message,
  details: [details],
  responses: [response],
};

function isProven(changes: Partial<Arrived> = {}, shape = methodOf("say"), session = { id, keys }): boolean {
  const arrived = { ...AS_SENT, ...changes };
  const answer = new ReceivedAnswer(session, shape);
  for (const each of arrived.responses) answer.add(each);
  const metadata = new grpc.Metadata();
  for (const each of arrived.proofs) metadata.add(REPLY_METADATA, each as Buffer);
  for (const each of arrived.details) metadata.add(STATUS_DETAILS_METADATA, each);
  const status = { code: arrived.code, details: arrived.text, metadata };
  const found = answer.isProven(status, NUMBERS);
  expect(metadata.get(REPLY_METADATA)).toEqual([]);
  return found;
}
const replied = (changes: Partial<SessionAnswer>, reply = keys.reply) => ({
  proofs: [Buffer.from(makeSessionReply(reply, { ...ANSWER, ...changes }))],
});

test("an answer is proven as it was sent, and the proof taken out of the trailers", () => {
  expect(isProven()).toBe(true);
});

test("one without details and without a response is proven too", () => {
  const bare = { details: new Uint8Array(), responseSha256: new Uint8Array() };
  expect(isProven({ ...replied(bare), details: [], responses: [] })).toBe(true);
});

test("of a stream the number of responses counts", () => {
  const stream = methodOf("list");
  const sent = replied({ responseSha256: new Uint8Array(), responses: 2 });
  expect(isProven({ ...sent, responses: [response, response] }, stream)).toBe(true);
  expect(isProven({ ...sent, responses: [response] }, stream)).toBe(false);
  expect(isProven({ ...sent, responses: [response, response, response] }, stream)).toBe(false);
});

describe("an answer is not proven", () => {
  test.each<[string, Partial<Arrived>]>([
    ["without a proof", { proofs: [] }],
    ["with two proofs", { proofs: [proof, proof] }],
    ["with an empty proof", { proofs: [Buffer.alloc(0)] }],
    ["with part of the proof", { proofs: [proof.subarray(0, 15)] }],
    ["with more than the proof", { proofs: [Buffer.concat([proof, Buffer.of(0)])] }],
    [
      "with a bit of the proof changed",
      { proofs: [Buffer.from(proof.map((byte, at) => byte ^ (at === 3 ? 1 : 0)))] },
    ],
    ["with the proof of another attempt", replied({ number: 8 })],
    ["with the proof of the call that made the session", replied({ number: 0 })],
    ["with the proof of another session", replied({ session: new Uint8Array(16) })],
    ["with a proof under the key of calls", replied({}, keys.call)],
    ["with a proof under the key of the service's messages", replied({}, keys.serviceMessages)],
    ["with another code", { code: grpc.status.INTERNAL }],
    ["as an OK", { code: grpc.status.OK }],
    ["with another text", { text: "no such lime" }],
    ["without its text", { text: "" }],
    ["with other details", { details: [Buffer.from("other details")] }],
    ["without its details", { details: [] }],
    ["with other details before them", { details: [Buffer.from("other details"), details] }],
    ["with other details after them", { details: [details, Buffer.from("other details")] }],
    ["with another response", { responses: [Buffer.from("another")] }],
    ["without its response", { responses: [] }],
    ["with another response after it", { responses: [response, Buffer.from("another")] }],
  ])("%s", (_, changes) => {
    expect(isProven(changes)).toBe(false);
  });

  // grpc-js reads `grpc-status` with Number().
  test.each([Number.NaN, -1, 0.5, 2 ** 32, Number.POSITIVE_INFINITY])(
    "with the code %d, which is none",
    (code) => {
      expect(isProven({ code })).toBe(false);
    },
  );

  test("by another session's keys", () => {
    expect(isProven({}, undefined, { id, keys: sessionKeys() })).toBe(false);
  });

  test("where no attempt was made", () => {
    const answer = new ReceivedAnswer({ id, keys }, methodOf("say"));
    answer.add(response);
    const metadata = new grpc.Metadata();
    metadata.set(REPLY_METADATA, proof);
    expect(answer.isProven({ code: ANSWER.code, details: ANSWER.message, metadata }, [])).toBe(false);
  });
});
