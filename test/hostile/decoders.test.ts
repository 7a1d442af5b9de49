/**
 * Every decoder against bytes that are nearly good. It reads them, or refuses them in its own words: never
 * another error, and never a reading that a second, simpler reader would not agree with.
 */
import assert from "node:assert/strict";
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, test } from "vitest";
import { encodeCanonical } from "../../src/canonical/encode.js";
import { EnvelopeReader } from "../../src/connect/envelopes.js";
import { formatCredentialCache, parseCredentialCache } from "../../src/formats/ccache.js";
import { FormatError } from "../../src/formats/format-error.js";
import { formatKeytab, parseKeytab } from "../../src/formats/keytab.js";
import { ApReqSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { ProtectedMessageSchema } from "../../src/gen/kerberos/v1/guard_pb.js";
import { KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { SealedPartSchema, TicketFlag, TicketSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { SessionCallSchema } from "../../src/gen/kerberos/v1/session_pb.js";
import { readApReq } from "../../src/protocol/call-binding.js";
import { parseDuration } from "../../src/protocol/duration.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { fromTimestamp } from "../../src/protocol/kerberos-time.js";
import { randomKey } from "../../src/protocol/keys.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { unsealFromBytes } from "../../src/protocol/sealed-part.js";
import { readSessionCall } from "../../src/protocol/session-call.js";
import { decodeCanonical, NotCanonicalError } from "../../src/protocol/strict-decode.js";
import { parseSettings } from "../../src/realm/realm-settings.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import { fromServiceError, toStatus } from "../../src/rpc/status.js";
import { MasterKey } from "../../src/store/master-key.js";
import { decodePrincipal, encodePrincipal } from "../../src/store/principal-record.js";
import { decodeRecords, decodeState, encodeRecords, encodeState } from "../../src/store/replay/replay-log.js";
import { StoreError } from "../../src/store/store-error.js";
import { DAY, HOUR, login, makeEntry, makeRealm, NOW, named } from "../support/entries.js";
import { edited, edits } from "./edits.js";
import { wirePlaintexts } from "./plaintexts.js";
import { DECODES, PATIENCE, tried } from "./runs.js";

const any = fc.uint8Array({ maxLength: 60 });
/** Nearly good bytes, and now and then any at all. */
const spoiled = (good: Uint8Array) =>
  fc.oneof(
    { weight: 9, arbitrary: edits.map((changes) => edited(good, changes)) },
    { weight: 1, arbitrary: any },
  );

/** What `read` gives; undefined where it refuses with one of these errors. Any other error rises. */
function readOr<T>(refusals: readonly (new (...args: never[]) => Error)[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (refusals.some((refusal) => error instanceof refusal)) return undefined;
    throw error;
  }
}

/** Another reader of canonical form: lenient, and strict afterwards. */
function isCanonical(schema: DescMessage, bytes: Uint8Array): boolean {
  try {
    const options = { readUnknownFields: false };
    return Buffer.compare(toBinary(schema, fromBinary(schema, bytes, options)), bytes) === 0;
  } catch {
    return false;
  }
}

describe("messages that are sealed or checked", () => {
  const parts = wirePlaintexts();

  test.each(parts)(
    "$schema.typeName: what is read is exactly what is canonical",
    { timeout: PATIENCE },
    (part) => {
      const { schema, bytes } = part;
      assert(isCanonical(schema, bytes));
      const property = fc.property(spoiled(bytes), (input) => {
        const read = readOr([NotCanonicalError], () => decodeCanonical(schema, input));
        assert.equal(read !== undefined, isCanonical(schema, input));
        if (read !== undefined) assert(isSame(encodeCanonical(schema, read), input));
      });
      tried(`canonical ${schema.typeName}`, property, DECODES);
    },
  );

  test("sealed parts: what a right key opens is one kind in canonical form", { timeout: PATIENCE }, () => {
    const key = randomKey(etypeOf(20));
    const cases = parts.filter(({ kind }) => kind !== undefined);
    const property = fc.property(fc.nat(), edits, fc.nat(40), (which, changes, padding) => {
      const { kind, schema, bytes } = cases[which % cases.length]!;
      const number = SealedPartSchema.field[kind!]!.number;
      const whole = Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
      const plaintext = Buffer.concat([edited(whole, changes), Buffer.alloc(padding === 0 ? 1 : 0)]);
      const sealed = toBinary(EncryptedDataSchema, {
        $typeName: "kerberos.v1.EncryptedData",
        etype: 20,
        kvno: 0,
        cipher: key.cipher.encrypt(2, plaintext),
      });
      const refusal = () => new KrbError("KRB_AP_ERR_BAD_INTEGRITY", "can't be opened");
      const read = readOr([KrbError], () =>
        unsealFromBytes({ key, usage: 2 }, kind!, sealed, "part", refusal),
      );
      const expected = isOfKind(kind!, plaintext);
      assert.equal(read !== undefined, expected);
      if (read !== undefined) assert.equal(Object(read).$typeName, schema.typeName);
    });
    tried("sealed parts", property, DECODES);
  });

  /** The plaintext is a SealedPart of this one kind, and no byte more: AES leaves no padding. */
  function isOfKind(kind: string, plaintext: Uint8Array): boolean {
    if (!isCanonical(SealedPartSchema, plaintext)) return false;
    return (
      (fromBinary(SealedPartSchema, plaintext) as MessageShape<typeof SealedPartSchema>).part.case === kind
    );
  }
});

describe("metadata of guarded calls", () => {
  const realm = makeRealm(20);
  const { credentials } = login(realm);
  const { ticket } = credentials;
  const apReq = toBinary(ApReqSchema, {
    $typeName: "kerberos.v1.ApReq",
    ticket,
    authenticator: ticket,
    protection: 1,
    extensions: [],
  } as never);
  const call = toBinary(SessionCallSchema, {
    $typeName: "kerberos.v1.SessionCall",
    session: new Uint8Array(16).fill(3),
    number: 300n,
    call: 2n,
    protection: 1,
    age: 0,
    mac: new Uint8Array(16).fill(9),
  } as never);

  test("an AP-REQ", { timeout: PATIENCE }, () => {
    const property = fc.property(spoiled(apReq), (input) => {
      const read = readOr([KrbError], () => readApReq(input));
      if (read !== undefined) assert(isCanonical(ApReqSchema, input));
    });
    tried("ApReq", property, DECODES);
  });

  test("a session's call: the reader by hand and the general one agree", { timeout: PATIENCE }, () => {
    const property = fc.property(spoiled(call), (input) => {
      const read = readOr([KrbError], () => readSessionCall(input));
      if (read === undefined) return;
      assert(isCanonical(SessionCallSchema, input));
      const { session, number, mac } = fromBinary(SessionCallSchema, input);
      assert(isSame(read.session, session) && isSame(read.mac, mac));
      assert.equal(read.number, Number(number));
      assert(read.call <= read.number);
    });
    tried("SessionCall", property, DECODES);
  });
});

describe("files of others", () => {
  const realm = makeRealm(20);
  const { credentials } = login(realm, { options: [8], renewTill: NOW + DAY });
  const cache = formatCredentialCache({
    defaultPrincipal: credentials.client,
    kdcOffset: -1234,
    credentials: [credentials, { ...credentials, flags: [TicketFlag.INITIAL] }],
  });
  const keys = [20, 19, 3, -1].map((etype, kvno) => ({
    principal: named("notes/localhost"),
    kvno: kvno + 1,
    timestamp: NOW,
    key: randomKey(etypeOf(etype)),
  }));
  const keytab = formatKeytab(keys);

  test("a credential cache: what is read was in the file", { timeout: PATIENCE }, () => {
    const property = fc.property(spoiled(cache), (input) => {
      const read = readOr([FormatError], () => parseCredentialCache(Uint8Array.from(input)));
      for (const each of read?.credentials ?? []) {
        assert(holds(input, each.ticket));
        assert(holds(input, each.key.exportBytes()));
        for (const time of [each.authtime, each.starttime, each.endtime]) assert.equal(time % 1000, 0);
      }
      assert((read?.end ?? 0) <= input.length);
    });
    tried("credential cache", property, DECODES);
  });

  test("a keytab: what is read was in the file", { timeout: PATIENCE }, () => {
    const property = fc.property(spoiled(keytab), (input) => {
      const read = readOr([FormatError], () => parseKeytab(Uint8Array.from(input)));
      for (const { key, principal } of read ?? []) {
        assert(holds(input, key.exportBytes()));
        assert.equal(parsePrincipal(principal, "read"), principal);
      }
    });
    tried("keytab", property, DECODES);
  });
});

describe("what the store holds", () => {
  const masterKey = new MasterKey(new Uint8Array(32).fill(5));
  const entry = makeEntry("alice", [20, 3], { expiresAt: NOW + DAY, maxLife: HOUR });
  const record = encodePrincipal(entry, masterKey);

  test("a principal's record: as it was written, or not at all", { timeout: PATIENCE }, () => {
    const property = fc.property(spoiled(record), (input) => {
      const read = readOr([StoreError], () => decodePrincipal(input, masterKey, entry.principal));
      assert.equal(read !== undefined, Buffer.compare(input, record) === 0);
    });
    tried("principal record", property, DECODES);
  });

  test("a slot of the replay log, and its state", { timeout: PATIENCE }, () => {
    const remembered = [1, 2].map((n) => ({ tag: Buffer.alloc(16, n), ctime: NOW + n, expiry: NOW + 9 }));
    const state = encodeState({ generation: 3, width: 1000, first: 17, closed: [{ from: 1, through: 9 }] });
    const property = fc.property(spoiled(encodeRecords(remembered)), spoiled(state), (slot, other) => {
      const records = readOr([StoreError], () => decodeRecords(1, slot));
      if (records !== undefined) assert.equal(encodeRecords(records).length, slot.length);
      const read = readOr([StoreError], () => decodeState(other));
      if (read !== undefined) assert(read.width >= 1);
    });
    tried("replay log", property, DECODES);
  });

  test("realm.json", { timeout: PATIENCE }, () => {
    const good = Buffer.from(
      JSON.stringify({
        format: 1,
        realm: "EXAMPLE.TEST",
        profile: "standard",
        maxLife: "10h",
        maxRenewableLife: "7d",
        clockSkew: "5m",
        attempts: { name: "60/10m" },
      }),
    );
    const property = fc.property(spoiled(good), (input) => {
      const read = readOr([StoreError], () => parseSettings(Buffer.from(input).toString(), "realm.json"));
      if (read === undefined) return;
      assert(["textbook", "standard"].includes(read.profile));
      for (const time of [read.maxLife, read.maxRenewableLife, read.clockSkew])
        assert(Number.isSafeInteger(time) && time >= 0);
    });
    tried("realm.json", property, DECODES);
  });
});

describe("text", () => {
  const near = fc.string({
    unit: fc.constantFrom(..."aA0/@.-_$ \0\u00e9\u212a\u0130\ud800%", "EXAMPLE.TEST", "__proto__", "b/c@A"),
    maxLength: 14,
  });

  test("principals: a second grammar agrees", { timeout: PATIENCE }, () => {
    const property = fc.property(fc.oneof(near, fc.string({ unit: "binary", maxLength: 70 })), (text) => {
      assert.equal(readOr([KrbError], () => parsePrincipal(text, "name")) !== undefined, isPrincipal(text));
    });
    tried("principal", property, DECODES);
  });

  /** The grammar of principal.ts, character by character. */
  function isPrincipal(text: string): boolean {
    const [name, realm, ...others] = text.split("@");
    if (text.length > 255 || others.length > 0 || realm === undefined || realm.length > 63) return false;
    const components = name!.split("/");
    const within = (part: string, letters: string) => [...part].every((letter) => letters.includes(letter));
    const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const alnum = `${upper}${upper.toLowerCase()}`;
    const isComponent = (part: string) =>
      part.length > 0 && part.length <= 63 && alnum.includes(part[0]!) && within(part, `${alnum}.-_$`);
    const isLabel = (part: string) =>
      part.length > 0 && within(part, `${upper}-`) && !part.startsWith("-") && !part.endsWith("-");
    return components.length <= 4 && components.every(isComponent) && realm.split(".").every(isLabel);
  }

  test("spans of time", { timeout: PATIENCE }, () => {
    const property = fc.property(
      fc.oneof(
        fc.string({ unit: fc.constantFrom(..."0129dhmsx -+.e", "ms"), maxLength: 12 }),
        fc.string({ maxLength: 40 }),
      ),
      (text) => {
        const read = readOr([RangeError], () => parseDuration(text));
        if (read !== undefined) assert(Number.isSafeInteger(read) && read >= 0);
      },
    );
    tried("duration", property, DECODES);
  });
});

test("times: in the years 1 to 9999, whole milliseconds, never rounded up", { timeout: PATIENCE }, () => {
  const edges = [0n, -62_135_596_800n, 253_402_300_799n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n];
  const seconds = fc.oneof(
    fc.tuple(fc.constantFrom(...edges), fc.bigInt({ min: -2n, max: 2n })).map(([edge, more]) => edge + more),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  );
  const nanos = fc.oneof(
    fc.constantFrom(0, -1, 1, 999_999, 1_000_000, 999_999_999, 1_000_000_000, -(2 ** 31), 2 ** 31 - 1),
    fc.integer(),
  );
  const property = fc.property(seconds, nanos, (s, n) => {
    const time = { $typeName: "google.protobuf.Timestamp", seconds: s, nanos: n } as const;
    const read = readOr([KrbError], () => fromTimestamp(time, "time"));
    const inRange = s >= edges[1]! && s <= edges[2]! && n >= 0 && n < 1_000_000_000;
    assert.equal(read, inRange ? Number(s * 1000n + BigInt(n) / 1_000_000n) : undefined);
  });
  tried("timestamp", property, DECODES);
});

test("details of a status: a refusal of ours, or the call's own code", { timeout: PATIENCE }, () => {
  const good = toStatus(new KrbError("KRB_AP_ERR_SKEW", "too far", { offset_ms: "5" }));
  const bytes = good.metadata.get("grpc-status-details-bin")[0] as Buffer;
  const property = fc.property(spoiled(bytes), fc.integer({ min: 1, max: 16 }), (input, code) => {
    const metadata = new grpc.Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from(input));
    const error = fromServiceError({ code, details: "text", metadata });
    if (error instanceof RpcError) assert.equal(error.code, code);
    else assert(error instanceof KrbError);
  });
  tried("status details", property, DECODES);
});

test("length-prefixed messages, cut anywhere", { timeout: PATIENCE }, () => {
  const one = Buffer.concat([Buffer.from([0, 0, 0, 0, 3]), Buffer.from("abc")]);
  const body = Buffer.concat([one, Buffer.from([0, 0, 0, 0, 0]), one]);
  const property = fc.property(spoiled(body), fc.array(fc.nat(), { maxLength: 4 }), (input, cuts) => {
    const whole = readOr([RpcError], () => new EnvelopeReader(64).push(input).map(String));
    const at = [0, ...cuts.map((cut) => cut % (input.length + 1)).toSorted((a, b) => a - b), input.length];
    const reader = new EnvelopeReader(64);
    const inPieces = readOr([RpcError], () =>
      at.slice(1).flatMap((end, i) => reader.push(input.subarray(at[i]!, end)).map(String)),
    );
    assert.deepEqual(inPieces, whole);
  });
  tried("envelopes", property, DECODES);
});

test("blobs in clear: tickets, bodies, protected messages", { timeout: PATIENCE }, () => {
  const { credentials } = login(makeRealm(20));
  const property = fc.property(spoiled(credentials.ticket), (input) => {
    for (const schema of [TicketSchema, KdcReqBodySchema, ProtectedMessageSchema])
      assert.equal(
        readOr([NotCanonicalError], () => decodeCanonical(schema, input)) !== undefined,
        isCanonical(schema, input),
      );
  });
  tried("blobs", property, DECODES);
});

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

function holds(bytes: Uint8Array, part: Uint8Array): boolean {
  return Buffer.from(bytes).includes(Buffer.from(part));
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
