import { FileDescriptorProtoSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { fieldForms, hasCanonicalForm } from "../../src/canonical/form.js";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.js";
import { PrincipalRecordSchema } from "../../src/gen/kerberos/storage/v1/principal_record_pb.js";
import { SealedPartSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { CASES } from "./messages.js";
import { messageField, numberField, repeated, schemaOf, unpacked } from "./schemas.js";

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

test("fields go by their numbers, wherever the schema declares them", () => {
  const schema = schemaOf({ M: [numberField("last", 9), numberField("first", 1), numberField("second", 2)] });
  expect(fieldForms(schema).map(({ name }) => name)).toEqual(["first", "second", "last"]);
});

test("a message that may hold its own kind has one", () => {
  expect(hasCanonicalForm(schemaOf({ M: [messageField("next", 1, "M"), numberField("n", 2)] }))).toBe(true);
});

test("a message within may deprive another of it, however deep", () => {
  const [a, b] = [messageField("b", 1, "B"), messageField("c", 1, "C")];
  const chain = (field: typeof a) => schemaOf({ A: [a], B: [b], C: [field] });
  expect(hasCanonicalForm(chain(repeated(numberField("n", 1))))).toBe(true);
  expect(hasCanonicalForm(chain(unpacked(numberField("n", 1))))).toBe(false);
});

test.each([
  ["Struct", messageField("held", 1, "Struct", "google.protobuf")],
  ["a list of numbers, each for itself", unpacked(numberField("held", 1))],
])("a field of %s has no form, and says so", (_, field) => {
  expect(() => fieldForms(schemaOf({ M: [field] }))).toThrow(
    new TypeError("field test.M.held: no canonical form is defined for this kind of field"),
  );
});
