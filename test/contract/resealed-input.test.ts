/**
 * Beneath the seal: plaintexts that only a holder of the key can send. The same rule: a named refusal,
 * nothing worse.
 */
import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AccessRequestSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { AuthenticateRequestSchema } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { GrantTicketRequestSchema } from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import type { Key } from "../../src/protocol/keys.js";
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
import { ACCESS, AUTHENTICATE, GRANT_TICKET, Wire, type WireReply } from "../support/wire.js";
import { bytesField, joinFields, splitFields, varintField, type WireField } from "../support/wire-fields.js";

/** Runs of each property; `TESSERA_FUZZ_RUNS` asks for more. */
const RUNS = Number(process.env.TESSERA_FUZZ_RUNS ?? 150);
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
  const plaintext = key.cipher.decrypt(usage, splitFields(sealed).find(({ number }) => number === 3)!.value!);
  let end = plaintext.length;
  while (plaintext[end - 1] === 0) end--;
  return plaintext.slice(0, end);
}

describe("plaintexts altered and sealed again under the right key", () => {
  const edits = fc.array(
    fc.record({ at: fc.nat(), to: fc.nat(255), cut: fc.nat(2), add: fc.uint8Array({ maxLength: 2 }) }),
    { minLength: 1, maxLength: 3 },
  );

  function apply(plaintext: Uint8Array, changes: { at: number; to: number; cut: number; add: Uint8Array }[]) {
    let bytes = Uint8Array.from(plaintext);
    for (const { at, to, cut, add } of changes) {
      const place = at % Math.max(1, bytes.length);
      bytes = Buffer.concat([bytes.subarray(0, place), Buffer.of(to), add, bytes.subarray(place + 1 + cut)]);
    }
    return bytes;
  }

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
    await fc.assert(
      fc.asyncProperty(edits, async (changes) => {
        const { key, usage, sealed, kvno, wrap } = await make();
        const plaintext = apply(openRaw(key, usage, sealed), changes);
        const reply = await send(path, wrap(sealRaw(key, usage, plaintext, kvno)));
        expect(["OK", ...REFUSALS], `${reply.text} for ${Buffer.from(plaintext).toString("hex")}`).toContain(
          reply.code,
        );
        seen.add(reply.reason);
      }),
      { numRuns: RUNS },
    );
    return seen;
  }

  test("the encrypted timestamp", async () => {
    const key = await keyOf(realm, "alice");
    await fuzz(AUTHENTICATE, async () => {
      const request = await asReq(realm);
      const wrap = (value: Uint8Array) =>
        toBinary(AuthenticateRequestSchema, { ...request, padata: [{ ...request.padata[0]!, value }] });
      return { key, usage: KeyUsage.PA_ENC_TIMESTAMP, sealed: request.padata[0]!.value, wrap };
    });
  });

  test("the authenticator to the TGS", async () => {
    const reasons = await fuzz(GRANT_TICKET, async () => {
      const request = tgsReq(realm, tgt);
      const wrap = (authenticator: Uint8Array) =>
        toBinary(GrantTicketRequestSchema, { ...request, authenticator });
      return { key: tgt.key, usage: KeyUsage.TGS_REQ_AUTHENTICATOR, sealed: request.authenticator, wrap };
    });
    expect(reasons).toContain("KRB_AP_ERR_BAD_INTEGRITY");
  });

  test("the authenticator to V", async () => {
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
  ])("the ticket for %s", async (service, path) => {
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
