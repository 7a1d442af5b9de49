import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EncryptedDataSchema, EncryptionKeySchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { TicketSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { decodeBlob, decodeCanonical, NotCanonicalError } from "../../src/protocol/strict-decode.js";
import { NOW } from "../support/entries.js";
import { expectRefusal } from "./refusal.js";

const bytesOf = (...bytes: number[]) => Uint8Array.from(bytes);
const body = create(KdcReqBodySchema, {
  server: "notes/localhost@EXAMPLE.TEST",
  till: toTimestamp(NOW),
  options: [8, 27],
  nonce: new Uint8Array(16).fill(7),
  etypes: [20, 3, -1],
});
const canonical = toBinary(KdcReqBodySchema, body);
// Field by field, for putting together in other ways: server, till, options, nonce, etypes.
const fields = splitFields(canonical);
const [server, till, options, nonce, etypes] = fields as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const join = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

describe("a message in canonical form", () => {
  test("is taken, and shares no bytes with what it came in", () => {
    const bytes = Uint8Array.from(canonical);
    const message = decodeCanonical(KdcReqBodySchema, bytes);
    bytes.fill(0);
    expect(message).toEqual(body);
    expect(decodeBlob(KdcReqBodySchema, canonical, "body")).toEqual(body);
  });

  test("is taken from the middle of a larger buffer", () => {
    const larger = Buffer.concat([bytesOf(1, 2, 3), canonical, bytesOf(4)]);
    expect(decodeCanonical(KdcReqBodySchema, larger.subarray(3, -1))).toEqual(body);
  });

  test("may be empty inside a sealed part, never as a blob of its own", () => {
    expect(decodeCanonical(KdcReqBodySchema, new Uint8Array())).toEqual(create(KdcReqBodySchema));
    expectRefusal(() => decodeBlob(KdcReqBodySchema, new Uint8Array(), "body"), "KRB_ERR_GENERIC", {
      field: "body",
    });
  });

  test("is what every message encodes to", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.uint8Array({ maxLength: 40 }),
        (etype, kvno, cipher) => {
          const message = create(EncryptedDataSchema, { etype: etype as never, kvno, cipher });
          expect(decodeCanonical(EncryptedDataSchema, toBinary(EncryptedDataSchema, message))).toEqual(
            message,
          );
        },
      ),
    );
  });
});

/** Each is read by a lenient decoder without complaint, or by some decoders and not by others. */
const MALFORMED: { name: string; bytes: Uint8Array }[] = [
  { name: "an unknown field at the end", bytes: join(canonical, bytesOf(0x78, 1)) },
  { name: "an unknown field at the start", bytes: join(bytesOf(0x78, 1), canonical) },
  {
    name: "an unknown field of high number",
    bytes: join(canonical, new BinaryWriter().tag(536_870_911, WireType.Varint).uint32(1).finish()),
  },
  { name: "a scalar twice, the same", bytes: join(server, server, till, options, nonce, etypes) },
  {
    name: "a scalar twice, another one last",
    bytes: join(canonical, new BinaryWriter().tag(1, WireType.LengthDelimited).string("x@R").finish()),
  },
  { name: "a message twice, to be merged", bytes: join(server, till, till, options, nonce, etypes) },
  { name: "the fields in another order", bytes: join(till, server, options, nonce, etypes) },
  { name: "the last field first", bytes: join(etypes, server, till, options, nonce) },
  { name: "a tag of two bytes where one does", bytes: join(bytesOf(0x8a, 0x00), canonical.subarray(1)) },
  {
    name: "a length of two bytes where one does",
    bytes: join(bytesOf(0x0a, 0x80 | server[1]!, 0), canonical.subarray(2)),
  },
  { name: "a default string written out", bytes: join(bytesOf(0x0a, 0), till, options, nonce, etypes) },
  { name: "default bytes written out", bytes: join(server, till, options, bytesOf(0x32, 0), etypes) },
  { name: "an empty list written out", bytes: join(server, till, bytesOf(0x2a, 0), nonce, etypes) },
  { name: "a list not packed", bytes: join(server, till, bytesOf(0x28, 8, 0x28, 27), nonce, etypes) },
  {
    name: "a list in two pieces",
    bytes: join(server, till, bytesOf(0x2a, 1, 8, 0x2a, 1, 27), nonce, etypes),
  },
  {
    name: "a number in a list longer than need be",
    bytes: join(server, till, bytesOf(0x2a, 3, 0x88, 0, 27), nonce, etypes),
  },
  {
    name: "a negative number in five bytes",
    bytes: join(server, till, options, nonce, bytesOf(0x3a, 7, 20, 3, 0xff, 0xff, 0xff, 0xff, 0x0f)),
  },
  {
    name: "a number of more than 32 bits",
    bytes: join(server, till, options, nonce, bytesOf(0x3a, 6, 0x83, 0x80, 0x80, 0x80, 0x80, 0x01)),
  },
  {
    name: "a list cut in the middle of a number",
    bytes: join(server, till, options, nonce, bytesOf(0x3a, 1, 0x83)),
  },
  {
    name: "invalid UTF-8",
    bytes: join(bytesOf(0x0a, 4, 0x61, 0xff, 0x40, 0x52), till, options, nonce, etypes),
  },
  {
    name: "overlong UTF-8",
    bytes: join(bytesOf(0x0a, 5, 0x61, 0xc1, 0x80, 0x40, 0x52), till, options, nonce, etypes),
  },
  {
    name: "a surrogate in UTF-8",
    bytes: join(bytesOf(0x0a, 6, 0x61, 0xed, 0xa0, 0x80, 0x40, 0x52), till, options, nonce, etypes),
  },
  { name: "a zero byte after it", bytes: join(canonical, bytesOf(0)) },
  { name: "8 zero bytes after it", bytes: join(canonical, new Uint8Array(8)) },
  { name: "another message after it", bytes: join(canonical, canonical) },
  { name: "a group", bytes: join(canonical, bytesOf(0x7b, 0x7c)) },
  { name: "a group that does not end", bytes: join(canonical, bytesOf(0x7b)) },
  { name: "field number 0", bytes: join(canonical, bytesOf(0x02, 0)) },
  { name: "wire type 6", bytes: join(canonical, bytesOf(0x7e)) },
  { name: "wire type 7", bytes: join(canonical, bytesOf(0x7f)) },
  {
    name: "a known field under another wire type",
    bytes: join(bytesOf(0x08, 1), till, options, nonce, etypes),
  },
  {
    name: "a length beyond the end",
    bytes: join(server, till, options, bytesOf(0x32, 0xff, 0xff, 0xff, 0xff, 0x0f)),
  },
  { name: "a varint without end", bytes: new Uint8Array(11).fill(0xff) },
  { name: "an unknown field inside", bytes: join(server, bytesOf(0x1a, 2, 0x78, 1), options, nonce, etypes) },
  { name: "a default inside", bytes: join(server, bytesOf(0x1a, 2, 0x08, 0), options, nonce, etypes) },
  { name: "groups nested a thousand deep", bytes: new Uint8Array(2000).fill(0x7b, 0, 1000).fill(0x7c, 1000) },
  { name: "random bytes of another kind", bytes: new TextEncoder().encode("-----BEGIN CERTIFICATE-----") },
];

describe("anything else is refused, and the refusal names field and message alone", () => {
  test.each(MALFORMED)("$name", ({ bytes }) => {
    expect(() => decodeCanonical(KdcReqBodySchema, bytes)).toThrow(NotCanonicalError);
    expect(() => decodeCanonical(KdcReqBodySchema, bytes)).toThrow(
      expect.objectContaining({ name: "NotCanonicalError", message: "kerberos.v1.KdcReqBody" }),
    );
    const refusal = expectRefusal(() => decodeBlob(KdcReqBodySchema, bytes, "body"), "KRB_ERR_GENERIC");
    expect(refusal.message).toBe("body: not a serialized kerberos.v1.KdcReqBody");
    expect(refusal.details).toEqual({ field: "body" });
  });

  test("the message cut after any byte, unless a whole field was cut off", () => {
    const boundaries = new Set(fields.map((field) => field.byteOffset + field.length - canonical.byteOffset));
    for (let length = 1; length < canonical.length; length++) {
      const cut = canonical.subarray(0, length);
      if (boundaries.has(length)) expect(decodeCanonical(KdcReqBodySchema, cut)).toBeDefined();
      else expect(() => decodeCanonical(KdcReqBodySchema, cut), `${length} bytes`).toThrow(NotCanonicalError);
    }
  });

  test("a message of another type", () => {
    const key = toBinary(
      EncryptionKeySchema,
      create(EncryptionKeySchema, { etype: 3, key: new Uint8Array(8) }),
    );
    expectRefusal(() => decodeBlob(TicketSchema, key, "ticket"), "KRB_ERR_GENERIC", { field: "ticket" });
    expectRefusal(() => decodeBlob(TicketSchema, canonical, "ticket"), "KRB_ERR_GENERIC", {
      field: "ticket",
    });
  });

  test("in general: of any bytes, those taken are exactly those the message encodes to", () => {
    const near = fc.tuple(fc.nat(canonical.length - 1), fc.nat(255)).map(([at, byte]) => {
      const bytes = Uint8Array.from(canonical);
      bytes[at] = byte;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.uint8Array({ maxLength: 64 })), (bytes) => {
        try {
          const message = decodeCanonical(KdcReqBodySchema, bytes);
          expect(toBinary(KdcReqBodySchema, message)).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(NotCanonicalError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

test("an error that is not the input's fault is not taken for a refusal", () => {
  expect(() => decodeBlob(undefined as never, canonical, "body")).toThrow(TypeError);
});

/** The top-level fields of a message whose lengths fit one byte. */
function splitFields(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = start + 2 + bytes[start + 1]!;
    parts.push(bytes.subarray(start, end));
    start = end;
  }
  return parts;
}
