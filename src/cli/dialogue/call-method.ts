/** Calls a method of any guarded service: JSON in, JSON out, with a ticket from the cache. */
import { type FileRegistry, fromJson, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { ticketInterceptor, ticketOnEachCall } from "../../client/guard/interceptor.js";
import { ReflectionClient } from "../../client/reflection.js";
import { PROTECTIONS, type Protection } from "../../protocol/call-binding.js";
import { realmOf } from "../../protocol/principal.js";
import { DynamicClient } from "../../rpc/dynamic-client.js";
import { AP_REQ_METADATA } from "../../rpc/metadata-names.js";
import { MethodTable, PUBLIC_SERVICES } from "../../rpc/method-table.js";
import { isLoopbackAddress } from "../../rpc/network-address.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { CommandError, type CommandSurroundings, UsageError } from "../frame/command.js";
import { type ClientChoice, choosesTls, clientSettings } from "../options/client-options.js";
import { parsePrincipalArgument } from "../options/principal-argument.js";
import { cachedLogin } from "../session/cached-login.js";
import { openSession, type Session } from "../session/session.js";
import { channelCredentials } from "../session/tls.js";
import { CallFailure } from "./call-failure.js";
import { jsonDocuments } from "./json-documents.js";
import {
  chosenFiles,
  type FileChoice,
  guess,
  type MethodSchema,
  methodByReflection,
  methodInFiles,
} from "./service-schema.js";

/** What `tessera call package.Service/Method` was asked for. */
export interface MethodCallChoice extends ClientChoice, FileChoice {
  /** `package.Service/Method`. */
  readonly method: string;
  /** The request, as JSON; `-` or `@`: from stdin. */
  readonly data: string | undefined;
  readonly service: string | undefined;
  readonly address: string | undefined;
  /** Words of the form `NAME:VALUE`. */
  readonly metadata: readonly string[];
  readonly protection: string | undefined;
  /** Lets tickets go over plaintext to another machine. */
  readonly plaintext: boolean;
}

const PUBLIC = new MethodTable(
  PUBLIC_SERVICES.map((name) => [name, true] as const),
  "public",
);

/**
 * Makes the call and prints its answers: one indented, those of a stream a line each.
 * @throws UsageError for what makes no sense, and for a method that does not exist; CallFailure.
 */
export async function callMethod(choice: MethodCallChoice, around: CommandSurroundings): Promise<void> {
  const [, service = "", name = ""] = /^\/?([\w.]+)[/]([\w]+)$/.exec(choice.method) ?? [];
  if (name === "") throw new UsageError(`expected package.Service/Method, got ${choice.method}`);
  const address = choice.address;
  if (address === undefined) throw new UsageError("where does the service listen? --address HOST:PORT");
  if (choice.plaintext && choosesTls(choice)) throw new UsageError("--plaintext and TLS do not go together");
  const metadata = readMetadata(choice.metadata);
  const files = await chosenFiles(choice);
  using session = await openSession(choice, around);
  const tickets = await ticketOptions(choice, session);
  if (tickets === undefined && PUBLIC.find(`/${service}/${name}`) === undefined)
    throw new UsageError("which service proves itself there? --service PRINCIPAL");
  const credentials = (await channelCredentials(choice)) ?? grpc.credentials.createInsecure();
  if (tickets !== undefined) checkChannel(address, credentials, choice.plaintext);
  const { timeoutMs } = clientSettings(choice, around.env);
  using client = new DynamicClient(address, credentials, {
    timeoutMs,
    interceptors: tickets === undefined ? session.tracing : [ticketInterceptor(...tickets)],
  });
  const schema =
    files === undefined
      ? await methodByReflection(
          new ReflectionClient(client.channel, { timeoutMs }),
          service,
          name,
          tickets && { interceptors: [ticketOnEachCall(...tickets)] },
        )
      : methodInFiles(files, service, name);
  const { method } = schema;
  const streams = method.methodKind !== "unary";
  const options = {
    metadata,
    ...(streams && timeoutMs === undefined && { timeoutMs: Number.POSITIVE_INFINITY }),
  };
  try {
    const requests = await readRequests(choice.data, schema, around);
    for await (const answer of client.call(method, requests, options)) {
      const json = toJson(method.output, answer, { registry: schema.registry });
      if (answersWithStream(schema)) around.screen.printJsonLine(json);
      else around.screen.printJson(json);
    }
  } catch (error) {
    throw error instanceof RpcError ? new CallFailure(error, schema.registry) : error;
  }
}

type Tickets = Parameters<typeof ticketOnEachCall>;

/** What puts tickets on the calls; undefined where no service is named. */
async function ticketOptions(
  { service, protection, plaintext }: MethodCallChoice,
  session: Session,
): Promise<Tickets | undefined> {
  if (protection !== undefined && !isProtection(protection))
    throw new UsageError(`--protection: expected one of ${PROTECTIONS.join(", ")}, got ${protection}`);
  if (service === undefined) return undefined;
  const { client } = await cachedLogin(session.cache);
  const principal = parsePrincipalArgument(service, realmOf(client), "--service");
  return [session.client, principal, { protection, allowInsecureChannel: plaintext }];
}

function isProtection(text: string): text is Protection {
  return (PROTECTIONS as readonly string[]).includes(text);
}

/** The guard would refuse it too, in a program's words. */
function checkChannel(address: string, credentials: grpc.ChannelCredentials, plaintext: boolean): void {
  if (credentials._isSecure() || plaintext || isLoopbackAddress(address)) return;
  throw new CommandError(
    `the way to ${address} is plaintext: whoever is on it can read the call`,
    "use TLS (--tls-ca FILE), or insist with --plaintext",
  );
}

function readMetadata(words: readonly string[]): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const word of words) {
    const [, key, text = ""] = /^([^:]+):\s*(.*)$/su.exec(word) ?? [];
    if (key === undefined) throw new UsageError(`--metadata: expected NAME:VALUE, got ${word}`);
    if (key.toLowerCase() === AP_REQ_METADATA) throw new UsageError(`--metadata: ${key} is the guard's own`);
    try {
      metadata.add(key, key.toLowerCase().endsWith("-bin") ? Buffer.from(text, "base64") : text);
    } catch (error) {
      throw new UsageError(`--metadata: ${(error as Error).message}`);
    }
  }
  return metadata;
}

/** The requests: all there are to come, or for a method that takes no stream the one. */
async function readRequests(
  data: string | undefined,
  schema: MethodSchema,
  { stdin }: CommandSurroundings,
): Promise<AsyncIterable<Message> | Message[]> {
  const pieces = data === "-" || data === "@" ? stdin() : [Buffer.from(data ?? "")];
  const requests = messages(jsonDocuments(pieces), schema);
  if (takesStream(schema)) return requests;
  const all: Message[] = [];
  for await (const request of requests) all.push(request);
  if (all.length > 1)
    throw new UsageError(`${schema.method.name} takes one request, and there are ${all.length}`);
  return all.length === 1 ? all : [toMessage({}, schema, 1)];
}

async function* messages(documents: AsyncIterable<JsonValue>, schema: MethodSchema): AsyncGenerator<Message> {
  let count = 0;
  for await (const json of documents) yield toMessage(json, schema, ++count);
}

function toMessage(json: JsonValue, { method, registry }: MethodSchema, count: number): Message {
  try {
    return fromJson(method.input, json, { registry });
  } catch (error) {
    throw new UsageError(`request ${count}: ${wrongRequest((error as Error).message, registry)}`);
  }
}

/** What is wrong with a request: a field that does not exist has the nearest that does beside it. */
function wrongRequest(text: string, registry: FileRegistry): string {
  const [, type = "", field = ""] =
    /^cannot decode message (\S+) from JSON: key "(.*)" is unknown$/su.exec(text) ?? [];
  const fields = registry.getMessage(type)?.fields.map(({ jsonName }) => jsonName);
  if (fields !== undefined) return `${type} has no field ${field}; ${guess(field, fields, "it has")}`;
  return text.replace(/\bArray\(\d+\)/u, "an array");
}

function takesStream({ method: { methodKind } }: MethodSchema): boolean {
  return methodKind === "client_streaming" || methodKind === "bidi_streaming";
}

function answersWithStream({ method: { methodKind } }: MethodSchema): boolean {
  return methodKind === "server_streaming" || methodKind === "bidi_streaming";
}
