/** What every receiver of a ticket and an authenticator must refuse: one suite, run on V and on the TGS. */
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import type { Authenticator, EncTicketPart, Ticket } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { TicketFlag } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { type ApReqBlobs, replayRecord, type VerifiedApReq } from "../../src/protocol/ap-exchange.js";
import type { AuthenticatorUse } from "../../src/protocol/authenticator.js";
import { toEncryptionKey } from "../../src/protocol/encryption-key.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { type Key, randomKey } from "../../src/protocol/keys.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import type { PrincipalEntry } from "../../src/protocol/principal-entry.js";
import { sealToBytes } from "../../src/protocol/sealed-part.js";
import { decodeBlob } from "../../src/protocol/strict-decode.js";
import { element, ifRelevant } from "../support/authorization-data.js";
import { alterTicket, emptyPart, HOUR, NOW, reseal, resealTicket, SKEW } from "../support/entries.js";
import { EXTENSION_VECTORS, extensionDetails } from "../support/extension-vectors.js";
import { expectRefusal, refusalOf } from "./refusal.js";

/** A receiver with a request it would take. Keys are of etype 3. */
export interface ApReqWorld {
  readonly blobs: ApReqBlobs;
  readonly service: PrincipalEntry;
  readonly sessionKey: Key;
  readonly use: AuthenticatorUse;
  readonly verify: (blobs: ApReqBlobs, now?: number) => VerifiedApReq;
}

interface Vector<T> {
  readonly name: string;
  readonly alter: (of: T) => unknown;
  /** Undefined: still taken. */
  readonly code?: KrbErrorName;
  readonly details?: Record<string, string>;
}

const GENERIC: KrbErrorName = "KRB_ERR_GENERIC";
const MODIFIED: KrbErrorName = "KRB_AP_ERR_MODIFIED";
const INTEGRITY = "KRB_AP_ERR_BAD_INTEGRITY";
const START = "2026-03-01T12:00:00.000Z";
const number = (value: number) => value as never;

/** Runs the suite on a receiver. */
export function describeApReq(world: ApReqWorld): void {
  const { blobs, service, sessionKey, use, verify } = world;
  const sealing = { key: sessionKey, usage: use.authenticator };
  const altered =
    <T>(alter: (of: T) => unknown) =>
    (of: T) =>
      void alter(of);
  const resealed = (alter: (part: Authenticator) => unknown) =>
    reseal(blobs.authenticator, sealing, "authenticator", altered(alter));
  const check = (run: () => unknown, code?: KrbErrorName, details?: Record<string, string>) => {
    if (code === undefined) expect(run).not.toThrow();
    else expectRefusal(run, code, details);
  };

  test("takes a good one, and again: the replay cache is the caller's", () => {
    for (let i = 0; i < 2; i++) expect(verify(blobs).client).toBe("alice@EXAMPLE.TEST");
  });

  describe("the ticket's bytes", () => {
    const vectors: { name: string; bytes: () => Uint8Array; details?: Record<string, string> }[] = [
      { name: "absent", bytes: () => new Uint8Array() },
      { name: "random", bytes: () => new Uint8Array(200).fill(0xa5) },
      { name: "an authenticator", bytes: () => blobs.authenticator },
      { name: "text", bytes: () => new TextEncoder().encode(service.principal) },
      { name: "extended by a byte", bytes: () => Uint8Array.of(...blobs.ticket, 0) },
      { name: "twice", bytes: () => Uint8Array.of(...blobs.ticket, ...blobs.ticket) },
    ];
    test.each(vectors)("are refused: $name", ({ bytes }) => {
      expectRefusal(() => verify({ ...blobs, ticket: bytes() }), GENERIC, { field: "ticket" });
    });

    test("cut after any byte are refused", () => {
      const nameOnly = 2 + service.principal.length;
      for (let length = 0; length < blobs.ticket.length; length++) {
        const ticket = blobs.ticket.slice(0, length);
        const field = length === nameOnly ? "ticket.enc_part" : "ticket";
        expectRefusal(() => verify({ ...blobs, ticket }), GENERIC, { field });
      }
    });

    test("changed in any one byte are refused", () => {
      const taken: number[] = [];
      for (let i = 0; i < blobs.ticket.length; i++) {
        const ticket = Uint8Array.from(blobs.ticket);
        ticket[i]! ^= 0x04;
        try {
          verify({ ...blobs, ticket });
          taken.push(i);
        } catch (error) {
          expect(error).toMatchObject({ name: "KrbError" });
        }
      }
      expect(taken).toEqual([]);
    });
  });

  describe("the ticket's clear fields", () => {
    const server = service.principal;
    const vectors: Vector<Ticket>[] = [
      { name: "no server", alter: (t) => (t.server = ""), code: "KRB_AP_ERR_NOT_US", details: { server } },
      {
        name: "another server",
        alter: (t) => (t.server = "other/host@EXAMPLE.TEST"),
        code: "KRB_AP_ERR_NOT_US",
        details: { server },
      },
      {
        name: "the server in another realm",
        alter: (t) => (t.server = t.server.replace("@EXAMPLE.TEST", "@OTHER")),
        code: "KRB_AP_ERR_NOT_US",
        details: { server },
      },
      {
        name: "a server that is no principal",
        alter: (t) => (t.server = "x"),
        code: "KRB_AP_ERR_NOT_US",
        details: { server },
      },
      {
        name: "no sealed part",
        alter: (t) => delete t.encPart,
        code: GENERIC,
        details: { field: "ticket.enc_part" },
      },
      {
        name: "no type",
        alter: (t) => (t.encPart!.etype = 0),
        code: "KDC_ERR_ETYPE_NOSUPP",
        details: { etype: "0" },
      },
      {
        name: "an unknown type",
        alter: (t) => (t.encPart!.etype = number(23)),
        code: "KDC_ERR_ETYPE_NOSUPP",
        details: { etype: "23" },
      },
      {
        name: "a type there is no key of",
        alter: (t) => (t.encPart!.etype = 20),
        code: "KRB_AP_ERR_NOKEY",
        details: { server, etype: "20" },
      },
      {
        name: "the lesson type",
        alter: (t) => (t.encPart!.etype = -1),
        code: "KRB_AP_ERR_NOKEY",
        details: { server, etype: "-1" },
      },
      {
        name: "no key version",
        alter: (t) => (t.encPart!.kvno = 0),
        code: "KRB_AP_ERR_BADKEYVER",
        details: { server, ticket_kvno: "0", held_kvno: "1" },
      },
      {
        name: "a later key version",
        alter: (t) => (t.encPart!.kvno = 2),
        code: "KRB_AP_ERR_BADKEYVER",
        details: { server, ticket_kvno: "2", held_kvno: "1" },
      },
      {
        name: "the latest key version of all",
        alter: (t) => (t.encPart!.kvno = 2 ** 32 - 1),
        code: "KRB_AP_ERR_BADKEYVER",
        details: { ticket_kvno: "4294967295" },
      },
      {
        name: "no ciphertext",
        alter: (t) => (t.encPart!.cipher = new Uint8Array()),
        code: INTEGRITY,
        details: { part: "ticket", kvno: "1" },
      },
      {
        name: "half the ciphertext",
        alter: (t) => (t.encPart!.cipher = t.encPart!.cipher.slice(0, 80)),
        code: INTEGRITY,
        details: { part: "ticket" },
      },
      {
        name: "a changed bit",
        alter: (t) => (t.encPart!.cipher[40]! ^= 1),
        code: INTEGRITY,
        details: { part: "ticket" },
      },
      {
        name: "blocks swapped",
        alter: (t) => swapBlocks(t.encPart!.cipher, 4, 5),
        code: INTEGRITY,
        details: { part: "ticket" },
      },
      {
        name: "the authenticator's ciphertext",
        alter: (t) => (t.encPart!.cipher = decodeBlob(EncryptedDataSchema, blobs.authenticator, "a").cipher),
        code: INTEGRITY,
        details: { part: "ticket" },
      },
      {
        name: "an authenticator under the service's own key",
        alter: (t) => (t.encPart!.cipher = ownAuthenticator(service)),
        code: INTEGRITY,
        details: { part: "ticket" },
      },
    ];
    test.each(vectors)("are refused: $name", ({ alter, code, details }) => {
      const ticket = alterTicket(blobs.ticket, altered(alter));
      check(() => verify({ ...blobs, ticket }), code, details);
    });
  });

  describe("the ticket's sealed fields", () => {
    const times = { server_time: START, limit_ms: "300000" };
    const vectors: Vector<EncTicketPart>[] = [
      { name: "nothing changed", alter: () => {} },
      {
        name: "the reserved flag",
        alter: (p) => (p.flags = [0, ...p.flags]),
        code: MODIFIED,
        details: { field: "ticket.flags" },
      },
      {
        name: "flags out of order",
        alter: (p) => (p.flags = [TicketFlag.PRE_AUTHENT, TicketFlag.INITIAL]),
        code: MODIFIED,
        details: { field: "ticket.flags" },
      },
      {
        name: "a flag twice",
        alter: (p) => (p.flags = [TicketFlag.PRE_AUTHENT, TicketFlag.PRE_AUTHENT]),
        code: MODIFIED,
        details: { field: "ticket.flags" },
      },
      {
        name: "the flag invalid",
        alter: (p) => (p.flags = [TicketFlag.INVALID]),
        code: "KRB_AP_ERR_TKT_NYV",
        details: times,
      },
      { name: "no flags", alter: (p) => (p.flags = []) },
      {
        name: "the flag renewable without a time",
        alter: (p) => (p.flags = [TicketFlag.RENEWABLE]),
        code: MODIFIED,
        details: { field: "ticket.renew_till" },
      },
      {
        name: "a time of renewal without the flag",
        alter: (p) => (p.renewTill = toTimestamp(NOW + HOUR)),
        code: MODIFIED,
        details: { field: "ticket.renew_till" },
      },
      { name: "no key", alter: (p) => delete p.key, code: MODIFIED, details: { field: "ticket.key" } },
      {
        name: "a key of no type",
        alter: (p) => (p.key!.etype = 0),
        code: "KDC_ERR_ETYPE_NOSUPP",
        details: { field: "ticket.key", etype: "0" },
      },
      {
        name: "a key of an unknown type",
        alter: (p) => (p.key!.etype = number(23)),
        code: "KDC_ERR_ETYPE_NOSUPP",
        details: { field: "ticket.key", etype: "23" },
      },
      {
        name: "a key too short",
        alter: (p) => (p.key!.key = new Uint8Array(7)),
        code: MODIFIED,
        details: { field: "ticket.key" },
      },
      {
        name: "a weak DES key",
        alter: (p) => (p.key!.key = new Uint8Array(8).fill(1)),
        code: MODIFIED,
        details: { field: "ticket.key" },
      },
      {
        name: "another key",
        alter: (p) => (p.key = toEncryptionKey(randomKey(etypeOf(3)))),
        code: INTEGRITY,
        details: { part: "authenticator" },
      },
      {
        name: "a key of another type",
        alter: (p) => (p.key = toEncryptionKey(randomKey(etypeOf(20)))),
        code: INTEGRITY,
        details: { part: "authenticator" },
      },
      {
        name: "no client",
        alter: (p) => (p.client = ""),
        code: GENERIC,
        details: { field: "ticket.client" },
      },
      {
        name: "a client that is no principal",
        alter: (p) => (p.client = "alice"),
        code: GENERIC,
        details: { field: "ticket.client" },
      },
      { name: "another client", alter: (p) => (p.client = "bob@EXAMPLE.TEST"), code: "KRB_AP_ERR_BADMATCH" },
      {
        name: "the client in another realm",
        alter: (p) => (p.client = "alice@OTHER"),
        code: "KRB_AP_ERR_BADMATCH",
      },
      {
        name: "the client in other letter case",
        alter: (p) => (p.client = "Alice@EXAMPLE.TEST"),
        code: "KRB_AP_ERR_BADMATCH",
      },
      { name: "realms crossed", alter: (p) => (p.transited = "OTHER"), code: "KDC_ERR_PATH_NOT_ACCEPTED" },
      {
        name: "no authtime",
        alter: (p) => delete p.authtime,
        code: MODIFIED,
        details: { field: "ticket times" },
      },
      {
        name: "no starttime",
        alter: (p) => delete p.starttime,
        code: MODIFIED,
        details: { field: "ticket times" },
      },
      {
        name: "no endtime",
        alter: (p) => delete p.endtime,
        code: MODIFIED,
        details: { field: "ticket times" },
      },
      {
        name: "an impossible authtime",
        alter: (p) => (p.authtime!.nanos = -1),
        code: GENERIC,
        details: { field: "ticket.authtime" },
      },
      {
        name: "an impossible starttime",
        alter: (p) => (p.starttime!.nanos = 1_000_000_000),
        code: GENERIC,
        details: { field: "ticket.starttime" },
      },
      {
        name: "an impossible endtime",
        alter: (p) => (p.endtime!.seconds = 2n ** 62n),
        code: GENERIC,
        details: { field: "ticket.endtime" },
      },
      {
        name: "an impossible time to renew till",
        alter: (p) => {
          p.flags = [TicketFlag.RENEWABLE];
          p.renewTill = toTimestamp(253_402_300_800_000);
        },
        code: GENERIC,
        details: { field: "ticket.renew_till" },
      },
      { name: "a start as far ahead as the skew", alter: (p) => (p.starttime = toTimestamp(NOW + SKEW)) },
      {
        name: "a start a millisecond beyond the skew",
        alter: (p) => (p.starttime = toTimestamp(NOW + SKEW + 1)),
        code: "KRB_AP_ERR_TKT_NYV",
        details: { ...times, starttime: "2026-03-01T12:05:00.001Z" },
      },
      { name: "an end as far back as the skew", alter: (p) => endAt(p, NOW - SKEW) },
      {
        name: "an end a millisecond beyond the skew",
        alter: (p) => endAt(p, NOW - SKEW - 1),
        code: "KRB_AP_ERR_TKT_EXPIRED",
        details: { ...times, endtime: "2026-03-01T11:54:59.999Z" },
      },
      {
        name: "an end at the epoch",
        alter: (p) => endAt(p, 0),
        code: "KRB_AP_ERR_TKT_EXPIRED",
        details: { endtime: "1970-01-01T00:00:00.000Z" },
      },
      { name: "an address", alter: (p) => (p.addresses = ["192.0.2.1"]), code: "KRB_AP_ERR_BADADDR" },
      { name: "an empty address", alter: (p) => (p.addresses = [""]), code: "KRB_AP_ERR_BADADDR" },
      {
        name: "authorization data",
        alter: (p) => (p.authorizationData = [element(7)]),
        code: "KDC_ERR_POLICY",
        details: { rule: "authorization-data", type: "7" },
      },
      {
        name: "authorization data if relevant",
        alter: (p) => (p.authorizationData = [ifRelevant(element(7))]),
      },
      {
        name: "authorization data beside some if relevant",
        alter: (p) => (p.authorizationData = [ifRelevant(element(7)), element(7)]),
        code: "KDC_ERR_POLICY",
        details: { rule: "authorization-data", type: "7" },
      },
      ...[
        { name: "nothing if relevant", data: new Uint8Array() },
        { name: "if relevant within if relevant", data: ifRelevant(ifRelevant(element(7))).data },
        { name: "other bytes if relevant", data: Uint8Array.of(0xff) },
      ].map(({ name, data }) => ({
        name,
        alter: (p: EncTicketPart) => (p.authorizationData = [element(1, data)]),
        code: MODIFIED,
        details: { field: "ticket.authorization_data" },
      })),
      ...EXTENSION_VECTORS.map((vector) => ({
        ...vector,
        alter: (p: EncTicketPart) => (p.extensions = vector.extensions),
        details: extensionDetails(vector, "ticket.extensions"),
      })),
      {
        name: "no server",
        alter: (p) => (p.server = ""),
        code: "KRB_AP_ERR_NOT_US",
        details: { server: service.principal },
      },
      {
        name: "another server under the same key",
        alter: (p) => (p.server = "other/host@EXAMPLE.TEST"),
        code: "KRB_AP_ERR_NOT_US",
        details: { server: service.principal },
      },
    ];
    test.each(vectors)("$name", ({ alter, code, details }) => {
      const ticket = resealTicket(blobs.ticket, service, altered(alter));
      check(() => verify({ ...blobs, ticket }), code, details);
    });
  });

  describe("the authenticator's bytes", () => {
    const vectors: {
      name: string;
      bytes: () => Uint8Array;
      code: KrbErrorName;
      details: Record<string, string>;
    }[] = [
      { name: "absent", bytes: () => new Uint8Array(), code: GENERIC, details: { field: "authenticator" } },
      {
        name: "random",
        bytes: () => new Uint8Array(100).fill(0xa5),
        code: GENERIC,
        details: { field: "authenticator" },
      },
      { name: "the ticket", bytes: () => blobs.ticket, code: GENERIC, details: { field: "authenticator" } },
      {
        name: "extended by a byte",
        bytes: () => Uint8Array.of(...blobs.authenticator, 0),
        code: GENERIC,
        details: { field: "authenticator" },
      },
      {
        name: "the ticket's sealed part",
        bytes: () => toBinary(EncryptedDataSchema, ticketPart()),
        code: INTEGRITY,
        details: { part: "authenticator" },
      },
      {
        name: "of another key",
        bytes: () =>
          sealToBytes(
            { ...sealing, key: randomKey(etypeOf(3)) },
            "authenticator",
            emptyPart("authenticator"),
          ),
        code: INTEGRITY,
        details: { part: "authenticator" },
      },
      {
        name: "with a changed bit",
        bytes: () => alterBlob((data) => (data.cipher[30]! ^= 1)),
        code: INTEGRITY,
        details: { part: "authenticator" },
      },
      {
        name: "without ciphertext",
        bytes: () => alterBlob((data) => (data.cipher = new Uint8Array())),
        code: INTEGRITY,
        details: { part: "authenticator" },
      },
      {
        name: "that say another type",
        bytes: () => alterBlob((data) => (data.etype = 20)),
        code: INTEGRITY,
        details: { part: "authenticator" },
      },
      {
        name: "that say no type",
        bytes: () => alterBlob((data) => (data.etype = 0)),
        code: INTEGRITY,
        details: { part: "authenticator" },
      },
      ...(
        [
          "encApRepPart",
          "encTgsRepPart",
          "encRequestPart",
          "encResponsePart",
          "encTimestamp",
          "encTicketPart",
          "encAsRepPart",
        ] as const
      ).map((kind) => ({
        name: `of the kind ${kind} under the session key`,
        bytes: () => sealToBytes(sealing, kind, emptyPart(kind)),
        code: INTEGRITY as KrbErrorName,
        details: { part: "authenticator" },
      })),
    ];
    test.each(vectors)("are refused: $name", ({ bytes, code, details }) => {
      expectRefusal(() => verify({ ...blobs, authenticator: bytes() }), code, details);
    });

    test("cut after any byte are refused", () => {
      for (let length = 0; length < blobs.authenticator.length; length++) {
        const authenticator = blobs.authenticator.slice(0, length);
        const { reason } = refusalOf(() => verify({ ...blobs, authenticator }));
        // A bare type is still an EncryptedData, of nothing.
        expect([length, reason]).toEqual([length, length === 2 ? INTEGRITY : GENERIC]);
      }
    });

    test("with another key version are the same authenticator to the replay cache", () => {
      const authenticator = alterBlob((data) => (data.kvno = 9));
      const record = replayRecord(verify({ ...blobs, authenticator }), SKEW);
      expect(record).toEqual(replayRecord(verify(blobs), SKEW));
    });

    function alterBlob(
      alter: (data: { etype: number; kvno: number; cipher: Uint8Array }) => unknown,
    ): Uint8Array {
      const data = decodeBlob(EncryptedDataSchema, Uint8Array.from(blobs.authenticator), "authenticator");
      alter(data);
      return toBinary(EncryptedDataSchema, data);
    }
  });

  describe("the authenticator's sealed fields", () => {
    const expected = "8";
    const vectors: Vector<Authenticator>[] = [
      { name: "nothing changed", alter: () => {} },
      ...EXTENSION_VECTORS.map((vector) => ({
        ...vector,
        alter: (a: Authenticator) => (a.extensions = vector.extensions),
        details: extensionDetails(vector, "authenticator.extensions"),
      })),
      { name: "no client", alter: (a) => (a.client = ""), code: "KRB_AP_ERR_BADMATCH" },
      { name: "another client", alter: (a) => (a.client = "bob@EXAMPLE.TEST"), code: "KRB_AP_ERR_BADMATCH" },
      {
        name: "the client in another realm",
        alter: (a) => (a.client = "alice@OTHER"),
        code: "KRB_AP_ERR_BADMATCH",
      },
      {
        name: "the client without its realm",
        alter: (a) => (a.client = "alice"),
        code: "KRB_AP_ERR_BADMATCH",
      },
      {
        name: "no time",
        alter: (a) => delete a.ctime,
        code: GENERIC,
        details: { field: "authenticator.ctime" },
      },
      {
        name: "an impossible time",
        alter: (a) => (a.ctime!.nanos = 1_000_000_000),
        code: GENERIC,
        details: { field: "authenticator.ctime" },
      },
      { name: "a time as far ahead as the skew", alter: (a) => (a.ctime = toTimestamp(NOW + SKEW)) },
      {
        name: "a time a millisecond beyond",
        alter: (a) => (a.ctime = toTimestamp(NOW + SKEW + 1)),
        code: "KRB_AP_ERR_SKEW",
        details: { offset_ms: "300001", limit_ms: "300000", side: "client is ahead", server_time: START },
      },
      { name: "a time as far behind as the skew", alter: (a) => (a.ctime = toTimestamp(NOW - SKEW)) },
      {
        name: "a time a millisecond before that",
        alter: (a) => (a.ctime = toTimestamp(NOW - SKEW - 1)),
        code: "KRB_AP_ERR_SKEW",
        details: { offset_ms: "-300001", limit_ms: "300000", side: "client is behind", server_time: START },
      },
      {
        name: "no checksum",
        alter: (a) => delete a.checksum,
        code: "KRB_AP_ERR_INAPP_CKSUM",
        details: { expected, got: "0" },
      },
      {
        name: "a checksum of no type",
        alter: (a) => (a.checksum!.type = 0),
        code: "KRB_AP_ERR_INAPP_CKSUM",
        details: { expected, got: "0" },
      },
      {
        name: "a checksum of type CRC32, unkeyed",
        alter: (a) => (a.checksum!.type = number(1)),
        code: "KRB_AP_ERR_INAPP_CKSUM",
        details: { expected, got: "1" },
      },
      {
        name: "a checksum of type RSA-MD5, unkeyed",
        alter: (a) => (a.checksum!.type = number(7)),
        code: "KRB_AP_ERR_INAPP_CKSUM",
        details: { expected, got: "7" },
      },
      {
        name: "a checksum of a stronger type",
        alter: (a) => (a.checksum!.type = 20),
        code: "KRB_AP_ERR_INAPP_CKSUM",
        details: { expected, got: "20" },
      },
      {
        name: "a checksum of the lesson type",
        alter: (a) => (a.checksum!.type = -1),
        code: "KRB_AP_ERR_INAPP_CKSUM",
        details: { expected, got: "-1" },
      },
      {
        name: "an empty checksum",
        alter: (a) => (a.checksum!.checksum = new Uint8Array()),
        code: MODIFIED,
        details: { field: "checksum" },
      },
      {
        name: "a changed checksum",
        alter: (a) => (a.checksum!.checksum[0]! ^= 1),
        code: MODIFIED,
        details: { field: "checksum" },
      },
      {
        name: "half a checksum",
        alter: (a) => (a.checksum!.checksum = a.checksum!.checksum.slice(0, 8)),
        code: MODIFIED,
        details: { field: "checksum" },
      },
      {
        name: "a checksum with more after it",
        alter: (a) => (a.checksum!.checksum = new Uint8Array(32)),
        code: MODIFIED,
        details: { field: "checksum" },
      },
      {
        name: "a checksum under another key",
        alter: (a) =>
          (a.checksum!.checksum = randomKey(etypeOf(3)).cipher.checksum(use.checksum, new Uint8Array())),
        code: MODIFIED,
        details: { field: "checksum" },
      },
      {
        name: "a checksum over other bytes",
        alter: (a) =>
          (a.checksum!.checksum = sessionKey.cipher.checksum(use.checksum, Uint8Array.of(1, 2, 3))),
        code: MODIFIED,
        details: { field: "checksum" },
      },
      {
        name: "a checksum over nothing",
        alter: (a) => (a.checksum!.checksum = sessionKey.cipher.checksum(use.checksum, new Uint8Array())),
        code: MODIFIED,
        details: { field: "checksum" },
      },
      {
        name: "no nonce",
        alter: (a) => (a.nonce = new Uint8Array()),
        code: GENERIC,
        details: { field: "authenticator.nonce" },
      },
      {
        name: "a nonce of 11 bytes",
        alter: (a) => (a.nonce = new Uint8Array(11)),
        code: GENERIC,
        details: { field: "authenticator.nonce" },
      },
      { name: "a nonce of 12 bytes", alter: (a) => (a.nonce = new Uint8Array(12)) },
      { name: "a nonce of 64 bytes", alter: (a) => (a.nonce = new Uint8Array(64)) },
      {
        name: "a nonce of 65 bytes",
        alter: (a) => (a.nonce = new Uint8Array(65)),
        code: GENERIC,
        details: { field: "authenticator.nonce" },
      },
      {
        name: "a subkey too short",
        alter: (a) => (a.subkey = { ...subkey(3), key: new Uint8Array(7) }),
        code: MODIFIED,
        details: { field: "authenticator.subkey" },
      },
      {
        name: "an empty subkey",
        alter: (a) => (a.subkey = { ...subkey(3), key: new Uint8Array() }),
        code: MODIFIED,
        details: { field: "authenticator.subkey" },
      },
      {
        name: "a weak DES subkey",
        alter: (a) => (a.subkey = { ...subkey(3), key: new Uint8Array(8).fill(1) }),
        code: MODIFIED,
        details: { field: "authenticator.subkey" },
      },
      {
        name: "a subkey of the lesson type",
        alter: (a) => (a.subkey = subkey(-1)),
        code: "KDC_ERR_ETYPE_NOSUPP",
        details: { field: "authenticator.subkey", etype: "-1" },
      },
      {
        name: "a subkey of a stronger type",
        alter: (a) => (a.subkey = subkey(20)),
        code: "KDC_ERR_ETYPE_NOSUPP",
        details: { field: "authenticator.subkey", etype: "20" },
      },
      {
        name: "a subkey of no type",
        alter: (a) => (a.subkey = { ...subkey(3), etype: 0 }),
        code: "KDC_ERR_ETYPE_NOSUPP",
        details: { field: "authenticator.subkey", etype: "0" },
      },
    ];
    test.each(vectors)("$name", ({ alter, code, details }) => {
      check(() => verify({ ...blobs, authenticator: resealed(alter) }), code, details);
    });

    test("are compared with the ticket before the clock, so that a stranger learns nothing of it", () => {
      const authenticator = resealed((a) => {
        a.client = "bob@EXAMPLE.TEST";
        a.ctime = toTimestamp(0);
      });
      expectRefusal(() => verify({ ...blobs, authenticator }), "KRB_AP_ERR_BADMATCH");
    });
  });

  describe("the clock", () => {
    test.each([0, SKEW, -SKEW])("may be off by %d ms", (offset) => {
      expect(verify(blobs, NOW + offset).client).toBe("alice@EXAMPLE.TEST");
    });

    test.each([
      [SKEW + 1, "-300001", "client is behind"],
      [-SKEW - 1, "300001", "client is ahead"],
      [24 * HOUR, "-86400000", "client is behind"],
      [-24 * HOUR, "86400000", "client is ahead"],
      [Date.UTC(2038, 0, 19, 3, 14, 8) - NOW, undefined, "client is behind"],
      [Date.UTC(2106, 1, 7) - NOW, undefined, "client is behind"],
    ])("may not be off by %d ms", (offset, offset_ms, side) => {
      const details = offset_ms === undefined ? { side } : { offset_ms, side };
      expectRefusal(() => verify(blobs, NOW + offset), "KRB_AP_ERR_SKEW", details);
    });
  });

  test("remembers an authenticator under 16 bytes until no clock would take it any more", () => {
    const replay = replayRecord(verify(blobs, NOW + 1000), SKEW);
    expect(replay.tag).toHaveLength(16);
    expect(replay.ctime).toBe(NOW);
    // At `expiry` itself it is still within the skew: a cache must keep it until after.
    expect(replay.expiry).toBe(NOW + SKEW);
    expect(() => verify(blobs, replay.expiry)).not.toThrow();
    expectRefusal(() => verify(blobs, replay.expiry + 1), "KRB_AP_ERR_SKEW");
  });

  function ticketPart() {
    let part: Ticket["encPart"];
    alterTicket(blobs.ticket, (ticket) => {
      part = ticket.encPart;
    });
    return create(EncryptedDataSchema, part!);
  }
}

/** Swaps two 8-byte blocks in place. */
function swapBlocks(cipher: Uint8Array, one: number, other: number): void {
  const kept = cipher.slice(8 * one, 8 * one + 8);
  cipher.copyWithin(8 * one, 8 * other, 8 * other + 8);
  cipher.set(kept, 8 * other);
}

function ownAuthenticator(service: PrincipalEntry): Uint8Array {
  const { key } = service.keys[0]!;
  const blob = sealToBytes({ key, usage: 2 }, "authenticator", emptyPart("authenticator"));
  return decodeBlob(EncryptedDataSchema, blob, "own").cipher;
}

function subkey(etype: number) {
  return toEncryptionKey(randomKey(etypeOf(etype)));
}

/** The ticket's start must not come after its end: both move. */
function endAt(part: EncTicketPart, end: number): void {
  part.starttime = toTimestamp(end - HOUR);
  part.endtime = toTimestamp(end);
}
