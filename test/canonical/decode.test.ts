import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { StringValueSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asCopy, asView, readCanonical } from "../../src/canonical/decode.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { ExtensionSchema } from "../../src/gen/kerberos/v1/extension_pb.js";
import { EncTicketPartSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { CASES } from "./messages.js";
import { messageField, numberField, repeated, schemaOf } from "./schemas.js";

/**
 * The rule in protobuf-es's words: the message these bytes are the encoding of, undefined if they are none.
 */
function reencoded(schema: DescMessage, encoded: Uint8Array): unknown {
  try {
    const message = fromBinary(schema, Uint8Array.from(encoded), { readUnknownFields: false });
    return Buffer.compare(toBinary(schema, message), encoded) === 0 ? message : undefined;
  } catch {
    return undefined;
  }
}

for (const { schema, messages } of CASES) {
  describe(schema.typeName, () => {
    test("is read as protobuf-es reads it", () => {
      fc.assert(
        fc.property(messages, (message) => {
          const encoded = toBinary(schema, message);
          const expected = reencoded(schema, encoded);
          expect(readCanonical(schema, encoded, asCopy)).toStrictEqual(expected);
          expect(readCanonical(schema, encoded, asView)).toStrictEqual(expected);
        }),
      );
    });

    test("changed in a few bytes, is read exactly when decoding and encoding give the same bytes", () => {
      const change = fc.record({
        at: fc.nat(300),
        remove: fc.nat(3),
        insert: fc.uint8Array({ maxLength: 3 }),
      });
      fc.assert(
        fc.property(messages, fc.array(change, { minLength: 1, maxLength: 3 }), (message, changes) => {
          let encoded = Array.from(toBinary(schema, message));
          for (const { at, remove, insert } of changes)
            encoded = encoded.toSpliced(at % (encoded.length + 1), remove, ...insert);
          const altered = Uint8Array.from(encoded);
          expect(readCanonical(schema, altered, asCopy)).toStrictEqual(reencoded(schema, altered));
        }),
        { numRuns: 2000 },
      );
    });
  });
}

test("any few bytes are read exactly when decoding and encoding give the same bytes", () => {
  const schemas = fc.constantFrom(...CASES.map(({ schema }) => schema));
  const small = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 8, 10, 18, 0x7f, 0x80, 0xff)), {
    maxLength: 14,
  });
  fc.assert(
    fc.property(schemas, small, (schema, encoded) => {
      const raw = Uint8Array.from(encoded);
      expect(readCanonical(schema, raw, asCopy)).toStrictEqual(reencoded(schema, raw));
    }),
    { numRuns: 5000 },
  );
});

describe("not canonical, though most decoders read it:", () => {
  // EncryptedData: etype 1, an int32; kvno 2, a uint32; cipher 3, bytes. EncTicketPart: flags 1, packed
  // numbers; key 2, a message; client 3, text. Extension: critical 2, a bool.
  test.each([
    ["fields out of order", EncryptedDataSchema, "10 01 08 03"],
    ["a field twice", EncryptedDataSchema, "08 03 08 03"],
    ["a field that the schema does not have", EncryptedDataSchema, "08 03 20 01"],
    ["a field that the schema does not have, alone", EncryptedDataSchema, "20 01"],
    ["a number as bytes", EncryptedDataSchema, "0a 01 03"],
    ["a number of fixed size", EncryptedDataSchema, "15 01 00 00 00"],
    ["a tag in more bytes than it needs", EncryptedDataSchema, "88 00 03"],
    ["a tag beyond 32 bits", EncryptedDataSchema, "88 80 80 80 10 03"],
    ["a number with its default value", EncryptedDataSchema, "08 00"],
    ["bytes with their default value", EncryptedDataSchema, "1a 00"],
    ["text with its default value", EncTicketPartSchema, "1a 00"],
    ["a bool with its default value", ExtensionSchema, "10 00"],
    ["a bool that is two", ExtensionSchema, "10 02"],
    ["a bool beyond 32 bits", ExtensionSchema, "10 81 80 80 80 10"],
    ["a number in more bytes than it needs", EncryptedDataSchema, "08 83 00"],
    ["a uint32 beyond 32 bits", EncryptedDataSchema, "10 81 80 80 80 10"],
    ["an int32 of 2³¹", EncryptedDataSchema, "08 80 80 80 80 08"],
    ["a negative int32 in 32 bits", EncryptedDataSchema, "08 ff ff ff ff 0f"],
    ["an int32 with other bits above", EncryptedDataSchema, "08 ff ff ff ff ff ff ff ff 7f"],
    ["a varint of 65 bits", EncryptedDataSchema, "08 ff ff ff ff ff ff ff ff ff 03"],
    ["a varint of eleven bytes", EncryptedDataSchema, "08 ff ff ff ff ff ff ff ff ff 81 00"],
    ["a varint that is cut short", EncryptedDataSchema, "08 83"],
    ["a field without its value", EncryptedDataSchema, "08"],
    ["a length beyond the end", EncryptedDataSchema, "1a 02 aa"],
    ["a length beyond 32 bits", EncryptedDataSchema, "1a 81 80 80 80 10 aa"],
    ["a length in more bytes than it needs", EncryptedDataSchema, "1a 81 00 aa"],
    ["a list of numbers, each for itself", EncTicketPartSchema, "08 01"],
    ["an empty list of numbers", EncTicketPartSchema, "0a 00"],
    ["a list that ends within a number", EncTicketPartSchema, "0a 01 81 01"],
    ["a list with a number beyond its type", EncTicketPartSchema, "0a 05 80 80 80 80 08"],
    ["a list that reaches beyond the end", EncTicketPartSchema, "0a 02 01"],
    ["a list twice", EncTicketPartSchema, "0a 01 01 0a 01 02"],
    ["a message that ends within a field", EncTicketPartSchema, "12 01 08 03"],
    ["a message twice", EncTicketPartSchema, "12 02 08 03 12 02 08 03"],
    ["text that is no UTF-8", EncTicketPartSchema, "1a 01 ff"],
    ["text with half a pair", EncTicketPartSchema, "1a 03 ed a0 80"],
    ["text with a character in more bytes than it needs", EncTicketPartSchema, "1a 02 c1 81"],
  ])("%s", (_, schema, spaced) => {
    const encoded = Uint8Array.from(Buffer.from(spaced.replaceAll(" ", ""), "hex"));
    expect(readCanonical(schema, encoded, asCopy)).toBeUndefined();
    expect(reencoded(schema, encoded)).toBeUndefined();
  });
});

test("a field may come again where it is a list, unless the list is packed", () => {
  const [one, list] = [messageField("m", 1, "M"), repeated(messageField("m", 1, "M"))];
  const twice = Uint8Array.of(0x0a, 0, 0x0a, 0);
  expect(readCanonical(schemaOf({ M: [list] }), twice, asCopy)).toMatchObject({ m: [{}, {}] });
  expect(readCanonical(schemaOf({ M: [one] }), twice, asCopy)).toBeUndefined();
  const packed = schemaOf({ M: [repeated(numberField("n", 1))] });
  expect(readCanonical(packed, Uint8Array.of(0x0a, 2, 1, 1), asCopy)).toMatchObject({ n: [1, 1] });
  expect(readCanonical(packed, Uint8Array.of(0x0a, 1, 1, 0x0a, 1, 1), asCopy)).toBeUndefined();
});

test("bytes come as views or as copies, as the caller chooses", () => {
  const encoded = Buffer.from(
    toBinary(EncryptedDataSchema, create(EncryptedDataSchema, { cipher: new Uint8Array(80) })),
  );
  const view = readCanonical(EncryptedDataSchema, encoded, asView)!;
  const copy = readCanonical(EncryptedDataSchema, encoded, asCopy)!;
  encoded.fill(1);
  expect(view.cipher).toEqual(Buffer.alloc(80, 1));
  expect(copy.cipher).toStrictEqual(new Uint8Array(80));
});

test("two messages share no list", () => {
  const first = readCanonical(EncTicketPartSchema, new Uint8Array(), asCopy)!;
  first.addresses.push("10.0.0.1");
  expect(readCanonical(EncTicketPartSchema, new Uint8Array(), asCopy)).toStrictEqual(
    create(EncTicketPartSchema),
  );
});

describe("messages within messages", () => {
  // No schema of ours nests without end.
  const node = schemaOf({
    Node: [messageField("next", 1, "Node"), repeated(messageField("others", 2, "Node"))],
  });

  /** A message that holds one that holds one, `depth` of them in all. */
  const nested = (depth: number): Uint8Array => {
    let message = create(node);
    for (let i = 1; i < depth; i++) message = create(node, { next: message } as never);
    return toBinary(node, message);
  };

  test("are read to a depth of 100, as protobuf-es reads them, and no deeper", () => {
    expect(readCanonical(node, nested(100), asCopy)).toStrictEqual(fromBinary(node, nested(100)));
    expect(() => fromBinary(node, nested(101))).toThrow();
    expect(readCanonical(node, nested(101), asCopy)).toBeUndefined();
  });

  test("count by their depth, not by their number", () => {
    const many = create(node, { others: Array.from({ length: 300 }, () => ({ next: {} })) } as never);
    expect(readCanonical(node, toBinary(node, many), asCopy)).toStrictEqual(many);
  });
});

test("a schema with kinds of fields that have no canonical form is wrong use", () => {
  expect(() => readCanonical(StructSchema, new Uint8Array(), asCopy)).toThrow(TypeError);
  expect(readCanonical(StringValueSchema, Uint8Array.of(10, 1, 0x61), asCopy)).toEqual(
    create(StringValueSchema, { value: "a" }),
  );
});
