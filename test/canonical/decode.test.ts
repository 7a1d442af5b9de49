import { create, createFileRegistry, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  StringValueSchema,
  StructSchema,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asCopy, asView, readCanonical } from "../../src/canonical/decode.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { EncTicketPartSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { CASES } from "./messages.js";

/** The rule in protobuf-es's words: the message these bytes are the encoding of, undefined if they are none. */
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
  /** `message Node { Node next = 1; repeated Node others = 2; }`: no schema of ours nests without end. */
  const node = (() => {
    const field = (name: string, number: number, label: FieldDescriptorProto_Label) => ({
      ...{ name, number, label, jsonName: name, typeName: ".test.Node" },
      type: FieldDescriptorProto_Type.MESSAGE,
    });
    const file = create(FileDescriptorProtoSchema, {
      ...{ name: "node.proto", package: "test", syntax: "proto3" },
      messageType: [
        {
          name: "Node",
          field: [
            field("next", 1, FieldDescriptorProto_Label.OPTIONAL),
            field("others", 2, FieldDescriptorProto_Label.REPEATED),
          ],
        },
      ],
    });
    return createFileRegistry(file, () => undefined).getMessage("test.Node")!;
  })();

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
