/**
 * Reflection v1alpha, by which clients of before 2023 ask: v1 under another name. Its descriptor is made from
 * that of v1, whose messages have the same fields, numbers and comments.
 */
import { clone, createFileRegistry, type DescService } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { ServerReflection } from "../gen/grpc/reflection/v1/reflection_pb.js";

const V1 = ServerReflection.file.proto;
const [PACKAGE, FILE] = ["grpc.reflection.v1alpha", "grpc/reflection/v1alpha/reflection.proto"];

/** The service, in a file of its own. */
export const ServerReflectionV1alpha: DescService = serviceIn(asV1alpha(V1));

/** The file that declares v1, with or without its comments, as that which declares v1alpha. */
export function asV1alpha(v1: FileDescriptorProto): FileDescriptorProto {
  const file = clone(FileDescriptorProtoSchema, v1);
  file.name = FILE;
  file.package = PACKAGE;
  if (file.options !== undefined) {
    file.options.deprecated = true;
    file.options.goPackage = "google.golang.org/grpc/reflection/grpc_reflection_v1alpha";
    file.options.javaPackage = "io.grpc.reflection.v1alpha";
  }
  // A field of a scalar type has no type name, not an empty one.
  for (const { field } of file.messageType)
    for (const one of field) if (one.typeName !== "") one.typeName = renamed(one.typeName);
  for (const { method } of file.service)
    for (const one of method) {
      one.inputType = renamed(one.inputType);
      one.outputType = renamed(one.outputType);
    }
  return file;
}

function renamed(type: string): string {
  const before = `.${V1.package}.`;
  return type.startsWith(before) ? `.${PACKAGE}.${type.slice(before.length)}` : type;
}

function serviceIn(file: FileDescriptorProto): DescService {
  return createFileRegistry(file, () => undefined).getService(`${PACKAGE}.ServerReflection`)!;
}
