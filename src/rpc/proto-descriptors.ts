/** What protobufjs has parsed, as the descriptors that protoc would have made of it, without comments. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type DescriptorProtoSchema,
  type EnumDescriptorProtoSchema,
  type FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  type FileDescriptorProto,
  type FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  type ServiceDescriptorProtoSchema,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import type protobufjs from "protobufjs";
import { WELL_KNOWN_FILES } from "./file-registry.js";

type FileInit = MessageInitShape<typeof FileDescriptorProtoSchema>;
type MessageInit = MessageInitShape<typeof DescriptorProtoSchema>;
type FieldInit = MessageInitShape<typeof FieldDescriptorProtoSchema>;
type EnumInit = MessageInitShape<typeof EnumDescriptorProtoSchema>;
type ServiceInit = MessageInitShape<typeof ServiceDescriptorProtoSchema>;

/** A file that was parsed. */
export interface ParsedFile {
  /** As it is imported. */
  readonly name: string;
  readonly package: string;
  readonly imports: readonly string[];
}

/** How fields refer to a type: a message, a group of proto2, or an enum. */
type TypeKind = Type.MESSAGE | Type.GROUP | Type.ENUM;
type Types = ReadonlyMap<string, TypeKind>;

const SCALARS: Readonly<Record<string, Type>> = {
  double: Type.DOUBLE,
  float: Type.FLOAT,
  int64: Type.INT64,
  uint64: Type.UINT64,
  int32: Type.INT32,
  fixed64: Type.FIXED64,
  fixed32: Type.FIXED32,
  bool: Type.BOOL,
  string: Type.STRING,
  bytes: Type.BYTES,
  uint32: Type.UINT32,
  sfixed32: Type.SFIXED32,
  sfixed64: Type.SFIXED64,
  sint32: Type.SINT32,
  sint64: Type.SINT64,
};

/**
 * The descriptors of files that were parsed into one root.
 * @throws Error naming a type that no file declares, or a file of an edition.
 */
export function describe(root: protobufjs.Root, files: readonly ParsedFile[]): FileInit[] {
  const types = new Map<string, TypeKind>();
  for (const file of WELL_KNOWN_FILES.values()) addWellKnown(file, types);
  addTypes(root, types);
  return files.map((file) => {
    const scope = file.package === "" ? root : root.lookup(file.package);
    const declared = scope !== null && isScope(scope) ? scope.nestedArray : [];
    return describeFile(
      file,
      declared.filter(({ filename }) => filename === file.name),
      types,
    );
  });
}

function describeFile(
  file: ParsedFile,
  declared: readonly protobufjs.ReflectionObject[],
  types: Types,
): FileInit {
  const syntax = syntaxOf(declared[0]);
  if (syntax !== "proto2" && syntax !== "proto3")
    throw new Error(`${file.name} is of edition ${syntax}: compile it, and give its descriptor set instead`);
  return {
    name: file.name,
    package: file.package,
    dependency: [...file.imports],
    syntax,
    messageType: declared.filter(isMessage).map((type) => describeMessage(type, types)),
    enumType: declared.filter(isEnum).map(describeEnum),
    extension: declared.filter(isField).map((field) => describeField(field, types)),
    service: declared.filter(isService).map((service) => describeService(service, types)),
  };
}

function describeMessage(type: protobufjs.Type, types: Types): MessageInit {
  const nested = type.nestedArray;
  // protobufjs counts a message's extensions among its fields.
  const fields = type.fieldsArray.filter(({ declaringField }) => declaringField === null);
  return {
    name: type.name,
    field: fields.map((field) => describeField(field, types)),
    nestedType: [
      ...nested.filter(isMessage).map((inner) => describeMessage(inner, types)),
      ...fields.filter((field) => isMap(field)).map((map) => mapEntry(map, types)),
    ],
    enumType: nested.filter(isEnum).map(describeEnum),
    extension: nested.filter(isField).map((field) => describeField(field, types)),
    extensionRange: (type.extensions ?? []).map(([start, end]) => ({ start: start!, end: end! + 1 })),
    oneofDecl: type.oneofsArray.map(({ name }) => ({ name })),
  };
}

function describeField(field: protobufjs.Field, types: Types): FieldInit {
  const { json_name, proto3_optional, packed, default: defaultValue } = field.options ?? {};
  return {
    name: field.name,
    number: field.id,
    ...(isMap(field)
      ? {
          label: Label.REPEATED,
          type: Type.MESSAGE,
          typeName: `${fullName(field.parent)}.${entryName(field)}`,
        }
      : { label: labelOf(field.toJSON().rule), ...typeOf(field.type, field, types) }),
    ...(field.extend !== undefined && { extendee: `.${resolve(field.extend, field, types).name}` }),
    ...(field.partOf && { oneofIndex: (field.parent as protobufjs.Type).oneofsArray.indexOf(field.partOf) }),
    ...(typeof json_name === "string" && { jsonName: json_name }),
    ...(proto3_optional === true && { proto3Optional: true }),
    ...(typeof packed === "boolean" && { options: create(FieldOptionsSchema, { packed }) }),
    ...(defaultValue !== undefined && { defaultValue: String(defaultValue) }),
  };
}

/** The message that one pair of a map travels as. */
function mapEntry(field: protobufjs.MapField, types: Types): MessageInit {
  const label = Label.OPTIONAL;
  return {
    name: entryName(field),
    field: [
      { name: "key", number: 1, label, ...typeOf(field.keyType, field, types) },
      { name: "value", number: 2, label, ...typeOf(field.type, field, types) },
    ],
    options: { mapEntry: true },
  };
}

function entryName({ name }: protobufjs.MapField): string {
  const words = name.split("_").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join("")}Entry`;
}

function describeEnum({ name, values, options }: protobufjs.Enum): EnumInit {
  return {
    name,
    value: Object.entries(values).map(([value, number]) => ({ name: value, number })),
    ...(options?.allow_alias === true && { options: { allowAlias: true } }),
  };
}

function describeService(service: protobufjs.Service, types: Types): ServiceInit {
  return {
    name: service.name,
    method: service.methodsArray.map((method) => ({
      name: method.name,
      inputType: `.${resolve(method.requestType, method, types).name}`,
      outputType: `.${resolve(method.responseType, method, types).name}`,
      ...(method.requestStream === true && { clientStreaming: true }),
      ...(method.responseStream === true && { serverStreaming: true }),
    })),
  };
}

function labelOf(rule: string | undefined): Label {
  if (rule === "repeated") return Label.REPEATED;
  return rule === "required" ? Label.REQUIRED : Label.OPTIONAL;
}

function typeOf(name: string, from: protobufjs.ReflectionObject, types: Types): FieldInit {
  if (Object.hasOwn(SCALARS, name)) return { type: SCALARS[name]! };
  const found = resolve(name, from, types);
  return { type: found.kind, typeName: `.${found.name}` };
}

/** What a name means where it stands: the innermost scope that has it, from there outwards. */
function resolve(name: string, from: protobufjs.ReflectionObject, types: Types) {
  if (name.startsWith(".")) {
    const kind = types.get(name.slice(1));
    if (kind !== undefined) return { name: name.slice(1), kind };
  } else
    for (let scope = from.parent; scope !== null; scope = scope.parent) {
      const candidate = `${fullName(scope)}.${name}`.slice(1);
      const kind = types.get(candidate);
      if (kind !== undefined) return { name: candidate, kind };
    }
  throw new Error(`${fullName(from).slice(1)}: there is no type ${name}`);
}

function addTypes(scope: protobufjs.NamespaceBase, types: Map<string, TypeKind>): void {
  for (const each of scope.nestedArray) {
    const name = fullName(each).slice(1);
    if (isMessage(each)) types.set(name, isGroup(each) ? Type.GROUP : Type.MESSAGE);
    if (isEnum(each)) types.set(name, Type.ENUM);
    if (isScope(each)) addTypes(each, types);
  }
}

/** Nothing refers to the messages inside of those. */
function addWellKnown(file: FileDescriptorProto, types: Map<string, TypeKind>): void {
  for (const { name } of file.messageType) types.set(`${file.package}.${name}`, Type.MESSAGE);
  for (const { name } of file.enumType) types.set(`${file.package}.${name}`, Type.ENUM);
}

/** With a dot before it, but for the root's, which is empty. */
function fullName(object: protobufjs.ReflectionObject | null): string {
  return object?.fullName ?? "";
}

/** The syntax of the file of what is declared at its top: `proto2`, `proto3` or an edition's year. */
function syntaxOf(declared: protobufjs.ReflectionObject | undefined): string {
  return (declared as { readonly _edition?: string } | undefined)?._edition ?? "proto3";
}

// By what they have: the parser itself is loaded only when there is something to parse.

function isScope(object: protobufjs.ReflectionObject): object is protobufjs.NamespaceBase {
  return "nestedArray" in object;
}

function isService(object: protobufjs.ReflectionObject): object is protobufjs.Service {
  return "methodsArray" in object;
}

function isMap(field: protobufjs.Field | protobufjs.MapField): field is protobufjs.MapField {
  return "keyType" in field;
}

function isMessage(object: protobufjs.ReflectionObject): object is protobufjs.Type {
  return "fieldsArray" in object && "oneofsArray" in object;
}

function isGroup(type: protobufjs.Type): boolean {
  return (type as { readonly group?: boolean }).group === true;
}

function isEnum(object: protobufjs.ReflectionObject): object is protobufjs.Enum {
  return "valuesById" in object;
}

function isField(object: protobufjs.ReflectionObject): object is protobufjs.Field {
  return "declaringField" in object;
}
