/**
 * gRPC server reflection, v1 and v1alpha: the contract, with its comments, for every caller.
 *
 * Both versions have the same messages under two names, and one answers for both. A reply holds the file
 * asked for and as many of its dependencies as fit into a message; clients ask for the rest by name. The
 * files come from `file-descriptors_pb.ts`, since the descriptors in generated code lack the comments.
 */
import {
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import {
  addServerReflection,
  type ServerReflectionServer,
} from "../gen/grpc/reflection/v1/reflection_grpc.js";
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponseSchema,
} from "../gen/grpc/reflection/v1/reflection_pb.js";
import { MAX_MESSAGE_BYTES } from "../rpc/server-options.js";
import type { ServiceOptions } from "../rpc/server-runtime.js";
import { asV1alpha, ServerReflectionV1alpha } from "./reflection-v1alpha.js";

type Reply = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/** Options of reflection. */
export interface ReflectionOptions extends ServiceOptions {
  /** Files that no service refers to: those of messages that travel inside `bytes` or Any. */
  readonly files?: readonly DescFile[] | undefined;
  /** The largest reply, in bytes; by default what a server of this project may send. */
  readonly maxReplyBytes?: number | undefined;
}

/** A reply repeats the request beside the files; bytes. */
const REPLY_OVERHEAD = 1024;

/** Adds reflection to a server, in both its versions: of these services, and of itself. */
export function addReflection(
  server: grpc.Server,
  services: readonly DescService[],
  options: ReflectionOptions = {},
): void {
  const versions = [ServerReflection, ServerReflectionV1alpha];
  const reflection = new Reflection([...services, ...versions], options);
  for (const { typeName } of versions) addServerReflection(server, reflection, { ...options, typeName });
}

class Reflection implements ServerReflectionServer {
  readonly #services: readonly DescService[];
  readonly #files: readonly DescFile[];
  readonly #maxFileBytes: number;
  #index: FileIndex | undefined;

  constructor(services: readonly DescService[], options: ReflectionOptions) {
    this.#services = services;
    this.#files = [...services.map((service) => service.file), ...(options.files ?? [])];
    this.#maxFileBytes = (options.maxReplyBytes ?? MAX_MESSAGE_BYTES) - REPLY_OVERHEAD;
  }

  /** Answers each question. One without an answer gets an error of its own, and the stream goes on. */
  async *serverReflectionInfo(
    requests: AsyncIterable<ServerReflectionRequest>,
  ): AsyncGenerator<MessageInitShape<typeof ServerReflectionResponseSchema>> {
    for await (const request of requests) {
      this.#index ??= await indexFiles(this.#files);
      yield {
        validHost: request.host,
        originalRequest: request,
        messageResponse: this.#answer(request.messageRequest, this.#index),
      };
    }
  }

  #answer(question: ServerReflectionRequest["messageRequest"], index: FileIndex): Reply {
    switch (question.case) {
      case "listServices": {
        const names = this.#services.map((service) => service.typeName);
        const service = [...new Set(names)].sort().map((name) => ({ name }));
        return { case: "listServicesResponse", value: { service } };
      }
      case "fileByFilename":
        return this.#file(index.byName.get(question.value), index, "file", question.value);
      case "fileContainingSymbol": {
        const symbol = question.value.replace(/^\./, "");
        return this.#file(index.bySymbol.get(symbol), index, "symbol", symbol);
      }
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = question.value;
        const file = index.extensions.get(containingType)?.get(extensionNumber);
        return this.#file(file, index, "extension", `${containingType} ${extensionNumber}`);
      }
      case "allExtensionNumbersOfType": {
        const numbers = index.extensions.get(question.value);
        if (numbers === undefined) return notFound("message type", question.value);
        const extensionNumber = [...numbers.keys()].sort((a, b) => a - b);
        return {
          case: "allExtensionNumbersResponse",
          value: { baseTypeName: question.value, extensionNumber },
        };
      }
      case undefined:
        return failure(grpc.status.INVALID_ARGUMENT, "the request asks nothing that this server knows");
    }
  }

  #file(file: DescFile | undefined, index: FileIndex, kind: string, name: string): Reply {
    if (file === undefined) return notFound(kind, name);
    let room = this.#maxFileBytes;
    const withComments = index.bytes(file);
    const asked =
      withComments.length <= room ? withComments : toBinary(FileDescriptorProtoSchema, file.proto);
    const fileDescriptorProto = [asked];
    room -= asked.length;
    for (const dependency of withDependencies([file])) {
      const bytes = index.bytes(dependency);
      if (dependency === file || bytes.length + 8 > room) continue;
      fileDescriptorProto.push(bytes);
      room -= bytes.length + 8;
    }
    return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
  }
}

/** Where each name is declared. */
interface FileIndex {
  readonly byName: ReadonlyMap<string, DescFile>;
  readonly bySymbol: ReadonlyMap<string, DescFile>;
  /** For each message type, the files of its extensions by number. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<number, DescFile>>;
  /** A file's serialized descriptor. */
  bytes(file: DescFile): Uint8Array;
}

async function indexFiles(roots: readonly DescFile[]): Promise<FileIndex> {
  // Loaded when first needed: a hundred kilobytes that most processes never use.
  const { fileDescriptors } = await import("../gen/file-descriptors_pb.js");
  const byName = new Map<string, DescFile>();
  const bySymbol = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescFile>>();
  for (const file of withDependencies(roots)) {
    byName.set(file.proto.name, file);
    for (const name of symbolsOf(file)) bySymbol.set(name, file);
    for (const type of typesOf(file)) {
      const extendee = type.kind === "extension" ? type.extendee : type;
      if (extendee.kind !== "message") continue;
      const numbers = extensions.get(extendee.typeName) ?? new Map<number, DescFile>();
      if (type.kind === "extension") numbers.set(type.number, file);
      extensions.set(extendee.typeName, numbers);
    }
  }
  const commented = (file: DescFile): Uint8Array =>
    Object.hasOwn(fileDescriptors, file.proto.name)
      ? Buffer.from(fileDescriptors[file.proto.name]!, "base64")
      : toBinary(FileDescriptorProtoSchema, file.proto);
  return {
    byName,
    bySymbol,
    extensions,
    bytes: (file) => {
      if (file !== ServerReflectionV1alpha.file) return commented(file);
      const v1 = fromBinary(FileDescriptorProtoSchema, commented(ServerReflection.file));
      return toBinary(FileDescriptorProtoSchema, asV1alpha(v1));
    },
  };
}

/** The files and all that they import, each once, nearest first. */
function withDependencies(roots: readonly DescFile[]): Set<DescFile> {
  const found = new Set(roots);
  for (const file of found) for (const dependency of file.dependencies) found.add(dependency);
  return found;
}

function* typesOf(file: DescFile): Generator<DescMessage | DescEnum | DescExtension> {
  const messages = [...file.messages];
  for (const message of messages) {
    messages.push(...message.nestedMessages);
    yield message;
    yield* message.nestedEnums;
    yield* message.nestedExtensions;
  }
  yield* file.enums;
  yield* file.extensions;
}

/** Every name that a file declares. The values of an enum are its siblings, not its members. */
function* symbolsOf(file: DescFile): Generator<string> {
  for (const service of file.services) {
    yield service.typeName;
    for (const method of service.methods) yield `${service.typeName}.${method.name}`;
  }
  for (const type of typesOf(file)) {
    yield type.typeName;
    if (type.kind === "message") {
      for (const member of [...type.fields, ...type.oneofs]) yield `${type.typeName}.${member.name}`;
    }
    if (type.kind === "enum") {
      const scope = type.typeName.slice(0, -type.name.length);
      for (const value of type.values) yield `${scope}${value.name}`;
    }
  }
}

function notFound(kind: string, name: string): Reply {
  return failure(grpc.status.NOT_FOUND, `no such ${kind}: ${name}`);
}

function failure(errorCode: grpc.status, errorMessage: string): Reply {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
