/** Types that are known at run time only, from the descriptors of their files. */
import { create, createFileRegistry, type DescFile, type FileRegistry } from "@bufbuild/protobuf";
import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_api,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";

const WELL_KNOWN: readonly DescFile[] = [
  file_google_protobuf_any,
  file_google_protobuf_api,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
];

/** The files of `google/protobuf/`, which everybody imports and hardly anybody has at hand, by name. */
export const WELL_KNOWN_FILES: ReadonlyMap<string, FileDescriptorProto> = new Map(
  WELL_KNOWN.map(({ proto }) => [proto.name, proto]),
);

/**
 * A registry of files, which it owns from now on, and of the well-known files that they import.
 * @throws Error naming an import that is missing, or files that import each other.
 */
export function fileRegistry(files: Iterable<FileDescriptorProto>): FileRegistry {
  const byName = new Map(WELL_KNOWN_FILES);
  const roots: string[] = [];
  for (const file of files) {
    file.messageType.forEach(nameForJson);
    byName.set(file.name, file);
    roots.push(file.name);
  }
  return createFileRegistry(create(FileDescriptorSetSchema, { file: inOrder(roots, byName) }));
}

/** Gives fields the JSON names that protoc gives them; other makers of descriptors leave them out. */
function nameForJson(message: DescriptorProto): void {
  for (const field of message.field) field.jsonName ||= protoCamelCase(field.name);
  message.nestedType.forEach(nameForJson);
}

/** The files, each after all that it imports. */
function inOrder(
  roots: readonly string[],
  byName: ReadonlyMap<string, FileDescriptorProto>,
): FileDescriptorProto[] {
  const done = new Set<FileDescriptorProto>();
  const open = new Set<string>();
  const visit = (name: string, importer: string) => {
    const file = byName.get(name);
    if (file === undefined) throw new Error(`${importer} imports ${name}, which is missing`);
    if (done.has(file)) return;
    if (open.has(name)) throw new Error(`${name} imports itself, by way of ${importer}`);
    open.add(name);
    for (const dependency of file.dependency) visit(dependency, name);
    done.add(file);
  };
  for (const name of roots) visit(name, name);
  return [...done];
}
