import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeCanonical, withEnvelope } from "../../src/canonical/encode.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { EncPrivPartSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { CASES } from "./messages.js";

for (const { schema, messages } of CASES)
  test(`${schema.typeName} is encoded to the bytes protobuf-es writes`, () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(Uint8Array.from(encodeCanonical(schema, message))).toEqual(toBinary(schema, message));
      }),
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

test("a schema with kinds of fields that have no canonical form is wrong use", () => {
  expect(() => encodeCanonical(StructSchema, create(StructSchema))).toThrow(TypeError);
});

test("fields that the schema does not know, and values of another type, are wrong use", () => {
  const part = fromBinary(EncPrivPartSchema, Uint8Array.of(0xf8, 0x01, 5));
  expect(() => encodeCanonical(EncPrivPartSchema, part)).toThrow(TypeError);
  for (const userData of ["text", [1], {}])
    expect(() =>
      encodeCanonical(EncPrivPartSchema, { ...create(EncPrivPartSchema), userData: userData as never }),
    ).toThrow(TypeError);
});
