import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { StructSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeCanonical, withEnvelope } from "../../src/canonical/encode.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { EncPrivPartSchema, EncTicketPartSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { wipedBy } from "../support/wiped.js";
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

test.each([
  [EncPrivPartSchema, { seqNumber: -1 }, "expected an unsigned 32-bit number, got -1"],
  [EncPrivPartSchema, { seqNumber: 2 ** 32 }, "expected an unsigned 32-bit number, got 4294967296"],
  [EncPrivPartSchema, { seqNumber: 1.5 }, "expected an unsigned 32-bit number, got 1.5"],
  [EncryptedDataSchema, { etype: 2 ** 31 }, "expected a 32-bit number, got 2147483648"],
  [EncryptedDataSchema, { etype: -(2 ** 31) - 1 }, "expected a 32-bit number, got -2147483649"],
  [TimestampSchema, { seconds: 2n ** 63n }, "expected a 64-bit number, got 9223372036854775808"],
  [TimestampSchema, { seconds: -(2n ** 63n) - 1n }, "expected a 64-bit number, got -9223372036854775809"],
])("a number that its field can't hold is wrong use: %s %o", (schema: DescMessage, fields, text) => {
  expect(() => encodeCanonical(schema, create(schema, fields as never))).toThrow(new RangeError(text));
});

test("a message of another kind is wrong use", () => {
  expect(() => encodeCanonical(EncryptedDataSchema, create(EncPrivPartSchema) as never)).toThrow(
    new TypeError("message: expected kerberos.v1.EncryptedData, got kerberos.v1.EncPrivPart"),
  );
});

test("a schema with kinds of fields that have no canonical form is wrong use", () => {
  expect(() => encodeCanonical(StructSchema, create(StructSchema))).toThrow(TypeError);
});

test("fields that the schema does not know, and values of another type, are wrong use", () => {
  const part = fromBinary(EncPrivPartSchema, Uint8Array.of(0xf8, 0x01, 5));
  expect(() => encodeCanonical(EncPrivPartSchema, part)).toThrow(
    new TypeError("message: expected fields of its schema alone, got others"),
  );
  for (const userData of ["text", [1], {}])
    expect(() =>
      encodeCanonical(EncPrivPartSchema, { ...create(EncPrivPartSchema), userData: userData as never }),
    ).toThrow(new TypeError(`expected bytes, got ${typeof userData}`));
  expect(() =>
    encodeCanonical(EncTicketPartSchema, { ...create(EncTicketPartSchema), client: 7 as never }),
  ).toThrow(new TypeError("expected text, got number"));
});

describe("what was encoded is overwritten", () => {
  const part = create(EncPrivPartSchema, { userData: Uint8Array.of(1, 2, 3), seqNumber: 9 });
  const encoded = [...toBinary(EncPrivPartSchema, part)];

  test("when it was handed out as a copy", async () => {
    expect(await wipedBy(() => encodeCanonical(EncPrivPartSchema, part))).toContainEqual(encoded);
  });

  test("when it was lent, in the same bytes", async () => {
    let lent: Uint8Array = new Uint8Array();
    const wiped = await wipedBy(() =>
      withEnvelope(2, EncPrivPartSchema, part, (bytes) => {
        lent = bytes;
      }),
    );
    expect(wiped).toContainEqual([0x12, encoded.length, ...encoded]);
    expect([...lent]).toEqual(new Array(encoded.length + 2).fill(0));
  });

  test("when encoding fails after part of it, and the next message begins anew", async () => {
    const bad = create(EncPrivPartSchema, { userData: "text" as never, seqNumber: 9 });
    expect(
      await wipedBy(() => expect(() => encodeCanonical(EncPrivPartSchema, bad)).toThrow()),
    ).toContainEqual([0x10, 9]);
    expect([...encodeCanonical(EncPrivPartSchema, part)]).toEqual(encoded);
    const failing = () => {
      throw new Error("no use");
    };
    expect(() => withEnvelope(2, EncPrivPartSchema, part, failing)).toThrow("no use");
    expect([...encodeCanonical(EncPrivPartSchema, part)]).toEqual(encoded);
  });

  test("when it outgrows its buffer, in the old buffer too", async () => {
    const small = 70_000;
    let buffers: unknown[] = [];
    // How large the buffer is by now depends on what else was encoded in this worker.
    for (let size = 300_000; buffers.length < 2 && size < 30_000_000; size *= 4) {
      const large = create(EncTicketPartSchema, {
        authorizationData: [{ data: new Uint8Array(size) }, { data: new Uint8Array(small).fill(7) }],
      });
      const wiped = await wipedBy(() => encodeCanonical(EncTicketPartSchema, large));
      buffers = wiped.filter((contents) => contents.filter((byte) => byte === 7).length === small);
    }
    expect(buffers).toHaveLength(2);
  });
});
