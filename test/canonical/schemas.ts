/** Schemas that no .proto of ours has. */
import { create, createFileRegistry, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_struct,
} from "@bufbuild/protobuf/wkt";

type Field = MessageInitShape<typeof FieldDescriptorProtoSchema>;

/** The first of some proto3 messages, given by their names and fields. */
export function schemaOf(messages: Record<string, Field[]>): DescMessage {
  const file = create(FileDescriptorProtoSchema, {
    name: "test.proto",
    package: "test",
    syntax: "proto3",
    dependency: [file_google_protobuf_struct.proto.name],
    messageType: Object.entries(messages).map(([name, field]) => ({ name, field })),
  });
  return createFileRegistry(file, () => file_google_protobuf_struct.proto).getMessage(
    `test.${Object.keys(messages)[0]}`,
  )!;
}

/** `int32 NAME = NUMBER;` */
export function numberField(name: string, number: number): Field {
  const { INT32 } = FieldDescriptorProto_Type;
  return { name, number, jsonName: name, type: INT32, label: FieldDescriptorProto_Label.OPTIONAL };
}

/** `MESSAGE NAME = NUMBER;` */
export function messageField(name: string, number: number, message: string, within = "test"): Field {
  const { MESSAGE } = FieldDescriptorProto_Type;
  return { ...numberField(name, number), type: MESSAGE, typeName: `.${within}.${message}` } as Field;
}

/** The same field, repeated. */
export function repeated(field: Field): Field {
  return { ...field, label: FieldDescriptorProto_Label.REPEATED } as Field;
}

/** The same field of numbers, repeated, each number by itself. */
export function unpacked(field: Field): Field {
  return { ...repeated(field), options: { packed: false } } as Field;
}
