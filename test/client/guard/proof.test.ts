/** An AP-REQ for each attempt of a call, and the AP-REP that answers one of them. */
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { GuardedMessages } from "../../../src/client/guard/messages.js";
import { CallProof } from "../../../src/client/guard/proof.js";
import { sha256 } from "../../../src/crypto/hash.js";
import type { Protection } from "../../../src/protocol/call-binding.js";
import { AP_REP_METADATA, AP_REQ_METADATA } from "../../../src/rpc/metadata-names.js";
import { refusalOf } from "../../protocol/refusal.js";
import { answer, HOST, methodOf, NOW, ticketFor } from "./by-hand.js";

const method = methodOf("say");
const request = Buffer.from("<hello>");

function proofOf(protection: Protection, clock: () => number = () => NOW) {
  const credentials = ticketFor();
  const { keys } = new GuardedMessages(credentials.key, protection, method);
  const call = { method: method.path, authority: HOST, protection, requestSha256: sha256(request) };
  return { proof: new CallProof({ credentials, clock }, keys, call), keys, credentials };
}

describe.each(["authenticate", "integrity"] as const)("a proof at %s", (protection) => {
  test("is made anew for each attempt, at its time", () => {
    let now = NOW;
    const { proof } = proofOf(protection, () => now++);
    const [first, second] = [proof.attempt(), proof.attempt()].map((attempt) => {
      expect(Object.keys(attempt.getMap())).toEqual([AP_REQ_METADATA]);
      return answer(attempt, method, request, protection).verified;
    });
    expect(first!.replay.ctime).toBe(NOW);
    expect(second!.replay.ctime).toBe(NOW + 1);
    expect(first!.authenticator.nonce).not.toEqual(second!.authenticator.nonce);
    expect(first!.subkey?.exportBytes()).toEqual(second!.subkey?.exportBytes());
  });

  test("is answered by an AP-REP for any of its attempts, which is taken out of the metadata", () => {
    const { proof, keys } = proofOf(protection);
    const attempts = [proof.attempt(), proof.attempt(), proof.attempt()];
    for (const attempt of attempts) {
      const { headers } = answer(attempt, method, request, protection);
      headers.set("x-theirs", "y");
      const service = proof.verify(headers);
      expect(headers.getMap()).toEqual({ "x-theirs": "y" });
      expect(service === undefined).toBe(keys === undefined);
      if (keys !== undefined) expect(service!.subkey.exportBytes()).not.toEqual(keys.subkey.exportBytes());
    }
  });

  test("is answered by none for the attempt of another call", () => {
    const { proof } = proofOf(protection);
    proof.attempt();
    const { headers } = answer(proofOf(protection).proof.attempt(), method, request, protection);
    expect(refusalOf(() => proof.verify(headers)).reason).toBe("KRB_AP_ERR_MUT_FAIL");
  });
});

test("a subkey where none was agreed on, and none where one was, are no proof", () => {
  const agreed = proofOf("integrity").proof;
  const without = proofOf("authenticate").proof;
  const [theirs, others] = [agreed.attempt(), without.attempt()];
  const subkeyed = answer(theirs, method, request, "integrity");
  const plain = answer(others, method, request);
  expect(refusalOf(() => agreed.verify(plain.headers)).reason).toBe("KRB_AP_ERR_MUT_FAIL");
  expect(refusalOf(() => without.verify(subkeyed.headers)).reason).toBe("KRB_AP_ERR_MUT_FAIL");
});

describe("no proof of the service is", () => {
  const { proof } = proofOf("authenticate");
  const { headers } = answer(proof.attempt(), method, request);
  const [rep] = headers.get(AP_REP_METADATA) as [Buffer];

  test.each<[string, readonly Buffer[]]>([
    ["nothing", []],
    ["two of them", [rep, rep]],
    ["an empty one", [Buffer.alloc(0)]],
    ["garbage", [Buffer.from("x")]],
    ["one with a bit changed", [Buffer.from(rep.map((byte, index) => (index === 20 ? byte ^ 1 : byte)))]],
  ])("%s", (_, values) => {
    const metadata = new grpc.Metadata();
    for (const value of values) metadata.add(AP_REP_METADATA, value);
    expect(refusalOf(() => proof.verify(metadata))).toMatchObject({
      reason: "KRB_AP_ERR_MUT_FAIL",
      message: "the service could not prove itself; do not trust its answer",
    });
    expect(metadata.get(AP_REP_METADATA)).toEqual([]);
  });

  test("anything before there was an attempt", () => {
    const early = proofOf("authenticate").proof;
    const metadata = new grpc.Metadata();
    metadata.set(AP_REP_METADATA, rep);
    expect(refusalOf(() => early.verify(metadata)).reason).toBe("KRB_AP_ERR_MUT_FAIL");
  });
});

test("sixteen attempts are waited for, and no more", () => {
  const { proof } = proofOf("authenticate");
  const attempts = Array.from({ length: 17 }, () => proof.attempt());
  const verify = (attempt: grpc.Metadata) => proof.verify(answer(attempt, method, request).headers);
  expect(refusalOf(() => verify(attempts[0]!)).reason).toBe("KRB_AP_ERR_MUT_FAIL");
  for (const attempt of attempts.slice(1)) expect(verify(attempt)).toBeUndefined();
});

test("an error that is not a refusal is thrown as it is: the login ended while the call was under way", () => {
  const { proof, credentials } = proofOf("authenticate");
  const { headers } = answer(proof.attempt(), method, request);
  credentials.key.wipe();
  expect(() => proof.verify(headers)).toThrow(/already wiped/);
});
