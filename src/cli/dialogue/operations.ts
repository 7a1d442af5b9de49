/**
 * V's operations, found in the descriptors of operations.proto, so that a new operation needs nothing here.
 * `FooBarRequest` is typed `foo-bar`; its help is the comment in the .proto file.
 */
import { type DescField, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { fileDescriptors } from "../../gen/file-descriptors_pb.js";
import { file_kerberos_v1_operations } from "../../gen/kerberos/v1/operations_pb.js";

/** An operation. */
export interface OperationDescription {
  /** As it is typed: `put-note`. */
  readonly name: string;
  readonly request: DescMessage;
  readonly response: DescMessage;
  readonly comment: string;
  readonly fields: readonly FieldDescription[];
}

/** A field of an operation's request. */
export interface FieldDescription {
  readonly field: DescField;
  readonly type: string;
  readonly comment: string;
}

/** Every operation, in the order of the file. */
export function operations(): OperationDescription[] {
  const { messages } = file_kerberos_v1_operations;
  const comments = readComments(file_kerberos_v1_operations.name);
  return messages.flatMap((request, index) => {
    const base = /^(.+)Request$/.exec(request.name)?.[1];
    const response = messages.find(({ name }) => name === `${base}Response`);
    if (base === undefined || response === undefined) return [];
    const fields = request.fields.map((field, i) => ({
      field,
      type: typeOf(field),
      comment: comments.get(`4.${index}.2.${i}`) ?? "",
    }));
    return [{ name: kebab(base), request, response, comment: comments.get(`4.${index}`) ?? "", fields }];
  });
}

/** The comments of a file, by the path of what they belong to (google.protobuf.SourceCodeInfo). */
function readComments(file: string): Map<string, string> {
  const bytes = fileDescriptors[`${file}.proto`];
  if (bytes === undefined) return new Map();
  const proto = fromBinary(FileDescriptorProtoSchema, Buffer.from(bytes, "base64"));
  const locations = proto.sourceCodeInfo?.location ?? [];
  return new Map(
    locations.map(({ path, leadingComments }) => [
      path.join("."),
      leadingComments.replaceAll(/\s+/g, " ").trim(),
    ]),
  );
}

function typeOf(field: DescField): string {
  if (field.fieldKind === "message") return field.message.name;
  if (field.fieldKind === "enum") return field.enum.values.map(({ localName }) => localName).join("|");
  if (field.fieldKind === "scalar") return SCALARS[field.scalar] ?? "number";
  return field.fieldKind;
}

/** The scalar types that are not numbers (google.protobuf.FieldDescriptorProto.Type). */
const SCALARS: Readonly<Record<number, string>> = { 8: "true|false", 9: "text", 12: "base64" };

function kebab(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, "-").toLowerCase();
}
