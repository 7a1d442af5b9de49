/**
 * Beneath the seal: plaintexts that only a holder of the key can send. The same rule: a named refusal,
 * nothing worse.
 */
import { toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AccessRequestSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { AuthenticateRequestSchema } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { GrantTicketRequestSchema } from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import type { Key } from "../../src/protocol/keys.js";
import { isAcceptable } from "../hostile/acceptable.js";
import { edited, edits } from "../hostile/edits.js";
import { CALLS, PATIENCE, triedCalls } from "../hostile/runs.js";
import {
  accessReq,
  asReq,
  keyOf,
  loginTo,
  NO_BRAKES,
  startRealm,
  type TestRealm,
  tgsReq,
  ticketFor,
} from "../support/realm.js";
import { ACCESS, AUTHENTICATE, GRANT_TICKET, sizeOfReply, Wire, type WireReply } from "../support/wire.js";
import { bytesField, joinFields, splitFields, varintField, type WireField } from "../support/wire-fields.js";

/** Runs of each property: four of them, or more, call each RPC. */
const RUNS = Math.ceil(CALLS / 4);
/** Codes that a refusal of a request may have. Anything else is the server's fault. */
const REFUSALS = [
  "INVALID_ARGUMENT",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "FAILED_PRECONDITION",
  "NOT_FOUND",
];

let realm: TestRealm;
let tgt: Credentials;
let ticket: Credentials;

beforeAll(async () => {
  realm = await startRealm({ policy: { attempts: NO_BRAKES } });
  tgt = await loginTo(realm);
  ticket = await ticketFor(realm);
});
afterAll(async () => {
  for (const wire of Object.values(wires)) wire!.close();
  await realm.close();
});

const wires: Partial<Record<string, Wire>> = {};

function send(path: string, bytes: Uint8Array): Promise<WireReply> {
  const { as, tgs } = realm.kdc;
  const address = { [AUTHENTICATE]: as, [GRANT_TICKET]: tgs, [ACCESS]: realm.v.address }[path]!;
  wires[path] ??= new Wire(address);
  return wires[path].call(path, bytes);
}

/** Seals any plaintext under a key, in an EncryptedData. */
function sealRaw(key: Key, usage: number, plaintext: Uint8Array, kvno = 0): Uint8Array {
  const cipher = key.cipher.encrypt(usage, plaintext);
  return joinFields([
    varintField(1, key.etype.etype),
    ...(kvno > 0 ? [varintField(2, kvno)] : []),
    bytesField(3, cipher),
  ]);
}

/** The plaintext of one of our EncryptedData, without the zeros that follow it. */
function openRaw(key: Key, usage: number, sealed: Uint8Array): Uint8Array {
  const { value } = splitFields(sealed).find(({ number }) => number === 3)!;
  return withoutPadding(key.cipher.decrypt(usage, value!));
}

/**
 * DES fills the last block with zeros: what was sealed ends where its length says, or where the zeros begin.
 */
function withoutPadding(plaintext: Uint8Array): Uint8Array {
  const filled = Buffer.concat([plaintext, Buffer.alloc(-plaintext.length & 7)]);
  const reader = new BinaryReader(filled);
  try {
    reader.tag();
    reader.bytes();
  } catch {
    return filled; // no envelope, and so nothing to cut off
  }
  const rest = filled.subarray(reader.pos);
  return rest.length < 8 && rest.every((byte) => byte === 0) ? filled.subarray(0, reader.pos) : filled;
}

describe("plaintexts altered and sealed again under the right key", () => {
  /** A property: alters the plaintext of one sealed part of a request and holds the reply to the rule. */
  async function fuzz(
    path: string,
    make: () => Promise<{
      key: Key;
      usage: number;
      sealed: Uint8Array;
      kvno?: number;
      wrap: (sealed: Uint8Array) => Uint8Array;
    }>,
  ) {
    const seen = new Set<string | undefined>();
    const property = fc.asyncProperty(edits, async (changes) => {
      const { key, usage, sealed, kvno, wrap } = await make();
      const good = openRaw(key, usage, sealed);
      const plaintext = edited(good, changes);
      const request = wrap(sealRaw(key, usage, plaintext, kvno));
      const reply = await send(path, request);
      const shown = `${reply.code} ${reply.text} for ${Buffer.from(plaintext).toString("hex")}`;
      expect(["OK", ...REFUSALS], shown).toContain(reply.code);
      expect(sizeOfReply(reply), shown).toBeLessThanOrEqual(4 * request.length + 4096);
      if (reply.code === "OK") {
        const { clockSkew } = realm.policy;
        expect(isAcceptable(withoutPadding(plaintext), good, realm.now, clockSkew), shown).toBe(true);
      }
      seen.add(reply.reason);
    });
    await triedCalls(`resealed ${expect.getState().currentTestName}`, property, RUNS);
    return seen;
  }

  test("the encrypted timestamp", { timeout: PATIENCE }, async () => {
    const key = await keyOf(realm, "alice");
    await fuzz(AUTHENTICATE, async () => {
      const request = await asReq(realm);
      const wrap = (value: Uint8Array) =>
        toBinary(AuthenticateRequestSchema, { ...request, padata: [{ ...request.padata[0]!, value }] });
      return { key, usage: KeyUsage.PA_ENC_TIMESTAMP, sealed: request.padata[0]!.value, wrap };
    });
  });

  test("the authenticator to the TGS", { timeout: PATIENCE }, async () => {
    const reasons = await fuzz(GRANT_TICKET, async () => {
      const request = tgsReq(realm, tgt);
      const wrap = (authenticator: Uint8Array) =>
        toBinary(GrantTicketRequestSchema, { ...request, authenticator });
      return { key: tgt.key, usage: KeyUsage.TGS_REQ_AUTHENTICATOR, sealed: request.authenticator, wrap };
    });
    expect(reasons).toContain("KRB_AP_ERR_BAD_INTEGRITY");
  });

  test("the authenticator to V", { timeout: PATIENCE }, async () => {
    await fuzz(ACCESS, async () => {
      const request = accessReq(realm, ticket);
      const wrap = (authenticator: Uint8Array) =>
        toBinary(AccessRequestSchema, { ...request, authenticator });
      return { key: ticket.key, usage: KeyUsage.AP_REQ_AUTHENTICATOR, sealed: request.authenticator, wrap };
    });
  });

  test.each([
    ["krbtgt/TEST.EXAMPLE", GRANT_TICKET],
    ["v/localhost", ACCESS],
  ])("the ticket for %s", { timeout: PATIENCE }, async (service, path) => {
    const key = await keyOf(realm, service);
    await fuzz(path, async () => {
      const credentials = path === ACCESS ? ticket : tgt;
      const [server, encPart] = splitFields(credentials.ticket) as [WireField, WireField];
      const wrap = (sealed: Uint8Array) => {
        const altered = { ...credentials, ticket: joinFields([server, bytesField(2, sealed)]) };
        return path === ACCESS
          ? toBinary(AccessRequestSchema, accessReq(realm, altered))
          : toBinary(GrantTicketRequestSchema, tgsReq(realm, altered));
      };
      return { key, usage: KeyUsage.TICKET, sealed: encPart.value!, kvno: 1, wrap };
    });
  });
});
