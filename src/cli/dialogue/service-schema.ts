/** What a service's methods and messages are: asked of the server, or read from files. */
import { type DescMethod, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import type { ReflectionClient } from "../../client/reflection.js";
import { nearest } from "../../errors/nearest.js";
import { readPublicFile } from "../../files/public-file.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { CallOptions } from "../../rpc/client-runtime.js";
import { fileRegistry } from "../../rpc/file-registry.js";
import { readProtoFiles } from "../../rpc/proto-files.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { CommandError, UsageError } from "../frame/command.js";

/** The files of a service. */
export interface FileChoice {
  readonly proto: readonly string[];
  readonly "import-path": readonly string[];
  readonly "descriptor-set": string | undefined;
}

/** A method, and the types that its messages may hold. */
export interface MethodSchema {
  readonly method: DescMethod;
  readonly registry: FileRegistry;
}

/** The types in the files that were chosen; undefined where none were. */
export async function chosenFiles(choice: FileChoice): Promise<FileRegistry | undefined> {
  const { proto, "import-path": importPaths, "descriptor-set": set } = choice;
  if (set !== undefined && proto.length > 0)
    throw new UsageError("--proto and --descriptor-set do not go together");
  if (importPaths.length > 0 && proto.length === 0) throw new UsageError("--import-path goes with --proto");
  if (set !== undefined) return readDescriptorSet(set);
  if (proto.length === 0) return undefined;
  return readProtoFiles(proto, importPaths);
}

async function readDescriptorSet(path: string): Promise<FileRegistry> {
  const bytes = await readPublicFile(path);
  try {
    return fileRegistry(fromBinary(FileDescriptorSetSchema, bytes).file);
  } catch (error) {
    throw new CommandError(
      `${path}: no descriptor set: ${(error as Error).message}`,
      `make one with: buf build -o ${path}, or protoc --include_imports -o ${path}`,
    );
  }
}

/** Finds a method in files. Throws UsageError naming the nearest one. */
export function methodInFiles(registry: FileRegistry, service: string, name: string): MethodSchema {
  const services = [...registry].filter(({ kind }) => kind === "service").map(({ typeName }) => typeName);
  if (registry.getService(service) === undefined) throw noService(service, services, "the files declare");
  return methodOf(registry, service, name);
}

/**
 * Asks the server for a method; with a ticket, if it answers nobody without one.
 * @param withTicket what lets a guarded server answer; undefined: there is none.
 * @throws UsageError naming the nearest method; CommandError for a server that does not tell.
 */
export async function methodByReflection(
  reflection: ReflectionClient,
  service: string,
  name: string,
  withTicket: CallOptions | undefined,
): Promise<MethodSchema> {
  try {
    return await ask(reflection, service, name, {});
  } catch (error) {
    if (isUnimplemented(error)) throw noReflection();
    if (withTicket === undefined || !isUnauthenticated(error)) throw error;
  }
  return ask(reflection, service, name, withTicket).catch((error: unknown) => {
    throw isUnimplemented(error) ? noReflection() : error;
  });
}

async function ask(
  reflection: ReflectionClient,
  service: string,
  name: string,
  options: CallOptions,
): Promise<MethodSchema> {
  const registry = await reflection.describe(service, options);
  if (registry?.getService(service) === undefined)
    throw noService(service, await reflection.services(options), "the server has");
  return methodOf(registry, service, name);
}

function methodOf(registry: FileRegistry, service: string, name: string): MethodSchema {
  const methods = registry.getService(service)!.methods;
  const method = methods.find((candidate) => candidate.name === name);
  if (method !== undefined) return { method, registry };
  const names = methods.map((candidate) => candidate.name);
  throw new UsageError(`${service} has no method ${name}; ${guess(name, names, "it has")}`);
}

function noService(service: string, services: readonly string[], whose: string): UsageError {
  return new UsageError(`no service ${service}; ${guess(service, services, whose)}`);
}

/** What was probably meant, or all there is. */
export function guess(typed: string, names: readonly string[], whose: string): string {
  const near = nearest(typed, names);
  return near === undefined ? `${whose}: ${names.join(", ") || "none"}` : `did you mean ${near}?`;
}

function isUnimplemented(error: unknown): boolean {
  return error instanceof RpcError && error.code === grpc.status.UNIMPLEMENTED;
}

function isUnauthenticated(error: unknown): boolean {
  if (error instanceof KrbError) return error.reason === "KDC_ERR_PREAUTH_REQUIRED";
  return error instanceof RpcError && error.code === grpc.status.UNAUTHENTICATED;
}

function noReflection(): CommandError {
  return new CommandError(
    "the server does not say what its services are: it has no reflection",
    "give their files: --proto FILE, or --descriptor-set FILE",
  );
}
