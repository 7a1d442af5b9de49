/**
 * The golden vectors of sessions: what we make is what is written there, and what is written there is
 * accepted by the gate, by the client's half and, in Python, by a reader of docs/guard.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { SessionSecurity } from "../../src/client/guard/session-security.js";
import { ClientSession } from "../../src/client/guard/sessions.js";
import { sha256 } from "../../src/crypto/hash.js";
import { openApRep } from "../../src/protocol/ap-rep.js";
import { isProtected, readApReq } from "../../src/protocol/call-binding.js";
import { RESPONSES } from "../../src/protocol/message-keys.js";
import { MessageOpener } from "../../src/protocol/message-protection.js";
import { AP_REP_EXTENSIONS, isTrailersOnly, readGrant } from "../../src/protocol/session-extensions.js";
import { deriveSessionKeys, MacKey } from "../../src/protocol/session-keys.js";
import { boundHost } from "../../src/rpc/authority.js";
import { fromServiceError } from "../../src/rpc/status.js";
import { readProof } from "../../src/services/guard/proof.js";
import { KINDS, NOW, REQUEST, RESPONSE } from "../support/guard-vectors.js";
import {
  CHALLENGED_AT,
  LIFE,
  REPEATED_NUMBER,
  SESSION_ETYPES,
  tagOf,
  type VectorStatus,
} from "../support/guard-vectors-exchange.js";
import { gateOf, PEER, receiveCall, unhex } from "../support/guard-vectors-receivers.js";
import { runSessions, SESSION_CALLS } from "../support/guard-vectors-sessions.js";
import { hex } from "../support/recorded-random.js";
import { verifyCall } from "../support/verify-call.js";

const file = new URL("../vectors/guard/sessions.json", import.meta.url);
const runs = SESSION_ETYPES.map(runSessions);
if (process.env.TESSERA_WRITE_VECTORS === "1")
  writeFileSync(
    file,
    `${JSON.stringify(
      runs.map(({ vector }) => vector),
      undefined,
      1,
    )}\n`,
  );

type Vector = ReturnType<typeof runSessions>["vector"];
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vector[];

test("every encryption type that has sessions has its vector", () => {
  expect(vectors.map(({ input }) => input.etype)).toEqual([...SESSION_ETYPES]);
});

describe.each(vectors.map((vector, i) => ({ name: vector.name, vector, run: runs[i]! })))(
  "$name",
  ({ vector, run }) => {
    const { ends, made, refused } = run;
    const { exchanges, calls, input } = vector;

    test("is what we make of its inputs", () => {
      expect(vector).toEqual(JSON.parse(JSON.stringify(run.vector)));
    });

    test("a first contact is refused with a challenge, before anything of its call is read", () => {
      const { gate } = gateOf(run, 0, "call");
      const proof = readProof([unhex(vector.firstContact["kerberos-ap-req-bin"])], []);
      expect(() => gate.look(proof, ends.service, PEER, NOW)).toThrow(
        expect.objectContaining({ reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED" }),
      );
      const refusal = fromServiceError(asServiceError(vector.firstContact.status));
      expect(refusal).toMatchObject({ reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED" });
      expect(hex((refusal as { challenge?: Uint8Array }).challenge!)).toBe(exchanges[0]!.challenge);
    });

    test.each([0, 1])("exchange %i + 1 makes a session", (index) => {
      const written = exchanges[index]!;
      const { bound, session } = index === 0 ? made : refused;
      const apReq = unhex(written["kerberos-ap-req-bin"]);
      const apRep = unhex(written["kerberos-ap-rep-bin"]);
      const call = { ...KINDS.unary!, method: bound.method, authority: boundHost(input.authority) };
      const policy = ends.policy(CHALLENGED_AT[index]!);
      const verified = verifyCall(readApReq(apReq), { ...call, request: REQUEST }, policy, NOW);
      const first = unhex(vector.firstContact["kerberos-ap-req-bin"]);
      const repeats =
        index === 0 ? { tag: tagOf(first) } : { session: made.session.id, number: REPEATED_NUMBER };
      const challenge = Uint8Array.from(unhex(written.challenge));
      expect(plain(verified.extensions)).toEqual(plain({ challenge, repeats, asksForSession: true }));
      const { nonce } = verified.authenticator;
      const pending = { sessionKey: ends.sessionKey, ctime: verified.ctime, nonce };
      const { subkey, seqNumber, extensions } = openApRep(apRep, pending, AP_REP_EXTENSIONS);
      expect(seqNumber).toBe(0);
      expect(isTrailersOnly(extensions)).toBe(index === 1);
      expect(readGrant(extensions)).toEqual({ id: Uint8Array.from(session.id), life: LIFE });
      const { id } = session;
      const keys = deriveSessionKeys({
        clientSubkey: verified.subkey!,
        serviceSubkey: subkey!,
        id,
        apReq,
        apRep,
      });
      const macs = {
        call: "call",
        reply: "reply",
        clientMessages: "message c",
        serviceMessages: "message s",
      };
      for (const [name, label] of Object.entries(macs)) {
        const written32 = new MacKey(unhex(written.keys[label]!));
        expect(keys[name as keyof typeof keys as "call"].mac(id)).toEqual(written32.mac(id));
      }
      expect(hex(keys.clientSeal.exportBytes())).toBe(written.keys["seal c"]);
      expect(hex(keys.serviceSeal.exportBytes())).toBe(written.keys["seal s"]);
    });

    test.each(calls)("the gate admits call $number: $name", (call) => {
      const { protection, output, status, requestStream, responseStream, age } = call;
      const [request] = requestStream ? [] : output.requests;
      const arrived = { calls: [output["kerberos-call-bin"]], request: request!, responseStream };
      const { messages, caller } = receiveCall(run, { ...arrived, heldFor: age });
      expect(caller).toMatchObject({ principal: input.client, protection });
      const opened = output.requests.map((bytes) => messages.open(unhex(bytes)));
      if (isProtected(protection, requestStream)) messages.checkEnded();
      expect(opened.filter(({ kind }) => kind === "message").map(({ message }) => hex(message!))).toEqual(
        Array(requestStream ? 2 : 1).fill(hex(REQUEST)),
      );
      if (status === undefined) return;
      messages.answer();
      const { responses } = SESSION_CALLS.find(({ number }) => number === call.number)!;
      const sent = Array.from({ length: responses }, () => messages.protect(RESPONSE) as Buffer);
      const end = status.code === 0 ? messages.endMarker() : undefined;
      const travelled = end === undefined ? sent : [...sent, end];
      // What is sealed has a confounder of its own each time.
      const sealed = protection === "privacy";
      if (!sealed) expect(travelled.map(hex)).toEqual(output.responses);
      const { code, message, details } = status;
      const { reply } = messages.close({ code, message, details: unhex(details) });
      if (!sealed || responseStream) expect(hex(reply!)).toBe(output["kerberos-reply-bin"]);
    });

    test.each(calls)("the client makes and checks call $number: $name", (call) => {
      const { protection, output, status, age, number, call: first } = call;
      const { keys, id } = made.session;
      const session = new ClientSession({ id, life: LIFE }, keys, ends.credentials, 0, first - 1);
      const security = new SessionSecurity(session, protection, call, () => age * 1000);
      const [single] = call.requestStream ? [] : output.requests;
      const bound = { method: input.method, authority: boundHost(input.authority), protection };
      security.bind({ ...bound, requestSha256: single === undefined ? undefined : sha256(unhex(single)) });
      let sent = security.attempt();
      for (let n = first; n < number; n++) sent = security.attempt();
      expect(hex(sent.get("kerberos-call-bin")[0] as Buffer)).toBe(output["kerberos-call-bin"]);
      if (protection !== "privacy") {
        const travelled = Array.from({ length: call.requestStream ? 2 : 1 }, () => security.protect(REQUEST));
        const end = security.endMarker();
        expect((end ? [...travelled, end] : travelled).map(hex)).toEqual(output.requests);
      }
      if (status === undefined) return;
      for (const response of output.responses) security.open(unhex(response));
      expect(security.isProven(asServiceError(status, output["kerberos-reply-bin"]))).toBe(true);
      if (status.code === 0) security.checkEnded();
    });

    test("a retry's answer names the attempt that it answers", () => {
      const retry = calls.find(({ number }) => number === 20)!;
      const { serviceMessages: checksums, serviceSeal: seal } = made.session.keys;
      const opener = (number: number) =>
        new MessageOpener(RESPONSES, { checksums, seal, call: number }, "privacy");
      const [response] = retry.output.responses;
      expect(() => opener(19).open(unhex(response!))).toThrow("another call");
      expect(opener(20).open(unhex(response!))).toMatchObject({ kind: "message" });
    });
  },
);

function asServiceError({ code, message, details }: VectorStatus, reply?: string): grpc.StatusObject {
  const metadata = new grpc.Metadata();
  if (details !== "") metadata.set("grpc-status-details-bin", unhex(details));
  if (reply !== undefined) metadata.set("kerberos-reply-bin", unhex(reply));
  return { code, details: message, metadata };
}

/** With bytes as they are written: views of larger buffers are equal too. */
function plain(value: object): unknown {
  return JSON.parse(JSON.stringify(value, (_key, part) => (part instanceof Uint8Array ? hex(part) : part)));
}
