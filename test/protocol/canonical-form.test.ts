import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { StringValueSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import {
  AuthenticatorSchema,
  EncPrivPartSchema,
  EncTicketPartSchema,
} from "../../src/gen/kerberos/v1/sealed_pb.js";
import { encodeCanonical, withEnvelope } from "../../src/protocol/canonical-encode.js";
import { isCanonical } from "../../src/protocol/canonical-form.js";

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("", "\uFEFFx", `\uFEFF${"é".repeat(100)}`, "x".repeat(200)),
);
const bytes = fc.uint8Array({ maxLength: 40 });
const time = fc.record({ seconds: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), nanos: int32 });
const optional = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: undefined });
const key = fc.record({ etype: int32, key: bytes });
const numbers = fc.array(int32, { maxLength: 4 });

/** Messages of every kind of field that is sealed, as what `create` takes. */
const MESSAGES: readonly { schema: DescMessage; init: fc.Arbitrary<object> }[] = [
  {
    schema: EncTicketPartSchema,
    init: fc.record({
      flags: numbers,
      key: optional(key),
      client: text,
      authtime: optional(time),
      endtime: optional(time),
      addresses: fc.array(text, { maxLength: 3 }),
      authorizationData: fc.array(fc.record({ type: int32, data: bytes }), { maxLength: 3 }),
      server: text,
    }),
  },
  {
    schema: AuthenticatorSchema,
    init: fc.record({
      client: text,
      ctime: optional(time),
      checksum: optional(fc.record({ type: int32, checksum: bytes })),
      seqNumber: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      nonce: bytes,
    }),
  },
  {
    schema: KdcReqBodySchema,
    init: fc.record({ server: text, options: numbers, nonce: bytes, etypes: numbers }),
  },
  { schema: EncryptedDataSchema, init: fc.record({ etype: int32, kvno: fc.nat(), cipher: bytes }) },
];

/** Canonical as protobuf-es shows it: what it decodes, it encodes to the same bytes. */
function isReencoded(schema: DescMessage, encoded: Uint8Array): boolean {
  try {
    const message = fromBinary(schema, Uint8Array.from(encoded), { readUnknownFields: false });
    return Buffer.compare(toBinary(schema, message), encoded) === 0;
  } catch {
    return false;
  }
}

for (const { schema, init } of MESSAGES) {
  describe(schema.typeName, () => {
    const messages = init.map((fields) => create(schema, fields as never) as MessageShape<DescMessage>);

    test("is encoded to the bytes protobuf-es writes, and they are canonical", () => {
      fc.assert(
        fc.property(messages, (message) => {
          const encoded = toBinary(schema, message);
          expect(encodeCanonical(schema, message)).toEqual(encoded);
          expect(isCanonical(schema, encoded)).toBe(isReencoded(schema, encoded));
        }),
      );
    });

    test("changed in a few bytes, is canonical exactly when decoding and encoding give the same bytes", () => {
      const place = fc.nat(300);
      const change = fc.record({ at: place, remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 3 }) });
      fc.assert(
        fc.property(messages, fc.array(change, { minLength: 1, maxLength: 3 }), (message, changes) => {
          let encoded = Array.from(toBinary(schema, message));
          for (const { at, remove, insert } of changes)
            encoded = encoded.toSpliced(at % (encoded.length + 1), remove, ...insert);
          const altered = Uint8Array.from(encoded);
          expect(isCanonical(schema, altered)).toBe(isReencoded(schema, altered));
        }),
        { numRuns: 2000 },
      );
    });
  });
}

test("any few bytes are canonical exactly when decoding and encoding give the same bytes", () => {
  const schemas = fc.constantFrom(...MESSAGES.map(({ schema }) => schema));
  const small = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 8, 10, 18, 0x7f, 0x80, 0xff)), {
    maxLength: 14,
  });
  fc.assert(
    fc.property(schemas, small, (schema, encoded) => {
      const raw = Uint8Array.from(encoded);
      expect(isCanonical(schema, raw)).toBe(isReencoded(schema, raw));
    }),
    { numRuns: 5000 },
  );
});

test("an envelope is the field alone, however large its contents", () => {
  const part = create(EncPrivPartSchema, { userData: new Uint8Array(20_000).fill(7), seqNumber: 9 });
  const inner = toBinary(EncPrivPartSchema, part);
  const envelope = withEnvelope(27, EncPrivPartSchema, part, (bytes) => bytes.slice());
  expect(envelope.subarray(-inner.length)).toEqual(inner);
  expect([...envelope.subarray(0, -inner.length)]).toEqual([0xda, 0x01, 0xa6, 0x9c, 0x01]);
});

test("a value that its field can't hold, and a message of another kind, are wrong use", () => {
  const part = create(EncPrivPartSchema, { seqNumber: -1 });
  expect(() => encodeCanonical(EncPrivPartSchema, part)).toThrow(RangeError);
  expect(() => encodeCanonical(EncryptedDataSchema, part as never)).toThrow(TypeError);
});

test("a schema with kinds of fields that are never sealed is wrong use", () => {
  expect(() => isCanonical(StructSchema, new Uint8Array())).toThrow(TypeError);
  expect(() => encodeCanonical(StructSchema, create(StructSchema))).toThrow(TypeError);
  expect(isCanonical(StringValueSchema, Uint8Array.of(10, 1, 0x61))).toBe(true);
});
