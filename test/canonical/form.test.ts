import { FileDescriptorProtoSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { fieldForms, hasCanonicalForm } from "../../src/canonical/form.js";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.js";
import { PrincipalRecordSchema } from "../../src/gen/kerberos/storage/v1/principal_record_pb.js";
import { SealedPartSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { CASES } from "./messages.js";

const schemas = CASES.map(({ schema }) => schema);
const none = [
  { why: "oneofs", schema: SealedPartSchema },
  { why: "maps", schema: ErrorInfoSchema },
  { why: "a message within that has none", schema: StructSchema },
  { why: "numbers with explicit presence", schema: PrincipalRecordSchema },
  { why: "another syntax", schema: FileDescriptorProtoSchema },
];

test.each(schemas)("$typeName has one", (schema) => {
  expect(hasCanonicalForm(schema)).toBe(true);
  const numbers = fieldForms(schema).map(({ number }) => number);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
});

test.each(none)("there is none for $why", ({ schema }) => {
  expect(hasCanonicalForm(schema)).toBe(false);
});

test("a status has one: its details are of a known shape", () => {
  expect(hasCanonicalForm(StatusSchema)).toBe(true);
});
