/**
 * What a server says of its services by reflection: v1, or v1alpha where it has no other.
 *
 * The answers are a stranger's: they are bounded, and nothing is done with them but to read messages by them.
 */
import { EventEmitter, on } from "node:events";
import { type DescMethodBiDiStreaming, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  type ServerReflectionResponseSchema,
} from "../gen/grpc/reflection/v1/reflection_pb.js";
import { type CallOptions, ServiceClient } from "../rpc/client-runtime.js";
import { fileRegistry, WELL_KNOWN_FILES } from "../rpc/file-registry.js";
import { RpcError } from "../rpc/rpc-error.js";

type Method = DescMethodBiDiStreaming<
  typeof ServerReflectionRequestSchema,
  typeof ServerReflectionResponseSchema
>;
type Question = Exclude<ServerReflectionRequest["messageRequest"], { case: undefined }>;
type Ask = (question: Question) => Promise<ServerReflectionResponse["messageResponse"]>;

/** Both versions have the same messages. */
const VERSIONS = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/** The most files that a service may be made of. */
const MAX_FILES = 2_000;

/** A client of a server's reflection. */
export class ReflectionClient extends ServiceClient {
  /**
   * What a service is made of; undefined where the server has no service, or no symbol, of that name.
   * @throws RpcError UNIMPLEMENTED from a server without reflection, INTERNAL for files that make no whole.
   */
  describe(symbol: string, options: CallOptions = {}): Promise<FileRegistry | undefined> {
    return this.#converse(options, async (ask) => {
      const files = await askForFiles(ask, { case: "fileContainingSymbol", value: symbol });
      return files && registryOf(await withImports(ask, files));
    });
  }

  /** The names of the server's services. Throws as `describe`. */
  services(options: CallOptions = {}): Promise<string[]> {
    return this.#converse(options, async (ask) => {
      const answer = await ask({ case: "listServices", value: "*" });
      return answer.case === "listServicesResponse" ? answer.value.service.map(({ name }) => name) : [];
    });
  }

  async #converse<T>(options: CallOptions, talk: (ask: Ask) => Promise<T>): Promise<T> {
    for (const typeName of VERSIONS) {
      try {
        return await this.#converseIn(typeName, options, talk);
      } catch (error) {
        if (!(error instanceof RpcError) || error.code !== grpc.status.UNIMPLEMENTED) throw error;
      }
    }
    throw new RpcError(grpc.status.UNIMPLEMENTED, "the server has no reflection, v1 or v1alpha");
  }

  /** One call: each question waits for the answer to the one before. */
  async #converseIn<T>(typeName: string, options: CallOptions, talk: (ask: Ask) => Promise<T>): Promise<T> {
    const { serverReflectionInfo } = ServerReflection.method;
    const method: Method = { ...serverReflectionInfo, parent: { ...ServerReflection, typeName } };
    const questions = new EventEmitter();
    const asked = on(questions, "ask", { close: ["end"] });
    const answers = this.callBidiStream(method, requests(asked), options);
    try {
      return await talk(async (messageRequest) => {
        questions.emit("ask", messageRequest);
        const { value } = await answers.next();
        if (value === undefined)
          throw new RpcError(grpc.status.INTERNAL, "the server's reflection ended without an answer");
        return value.messageResponse;
      });
    } finally {
      questions.emit("end");
      await answers.return();
    }
  }
}

function registryOf(files: ReadonlyMap<string, FileDescriptorProto>): FileRegistry {
  try {
    return fileRegistry(files.values());
  } catch (cause) {
    const text = `the server's descriptors make no whole: ${(cause as Error).message}`;
    throw new RpcError(grpc.status.INTERNAL, text, { cause });
  }
}

async function* requests(asked: AsyncIterable<unknown[]>) {
  for await (const [messageRequest] of asked) yield { messageRequest: messageRequest as Question };
}

/** The files of an answer; undefined where the server has none. */
async function askForFiles(ask: Ask, question: Question): Promise<FileDescriptorProto[] | undefined> {
  const answer = await ask(question);
  if (answer.case !== "fileDescriptorResponse") return undefined;
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

/** The files, and all that they import, by name. A server sends as many of the imports as it likes. */
async function withImports(
  ask: Ask,
  given: readonly FileDescriptorProto[],
): Promise<Map<string, FileDescriptorProto>> {
  const found = new Map(given.map((file) => [file.name, file]));
  for (const { dependency } of found.values())
    for (const name of dependency) {
      if (found.has(name)) continue;
      const files = await askForFiles(ask, { case: "fileByFilename", value: name });
      // Servers often leave out what everybody has.
      const known = files ?? (WELL_KNOWN_FILES.has(name) ? [WELL_KNOWN_FILES.get(name)!] : []);
      for (const file of known) if (!found.has(file.name)) found.set(file.name, file);
      if (found.size > MAX_FILES)
        throw new RpcError(grpc.status.RESOURCE_EXHAUSTED, `the service has more than ${MAX_FILES} files`);
    }
  return found;
}
