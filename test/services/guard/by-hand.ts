/**
 * One guarded call without a server: tickets and AP-REQs made here, a wire and a handler that write down what
 * reaches them.
 *
 *   const { call, wire, handler } = openCall({ method: methodOf("say") });
 *   call.onReceiveMetadata(proofOf(bind()));
 */
import * as grpc from "@grpc/grpc-js";
import { sha256 } from "../../../src/crypto/hash.js";
import { makeSubkey, type PendingApReq } from "../../../src/protocol/ap-exchange.js";
import {
  type BoundCall,
  isProtected,
  makeCallApReq,
  needsSubkeys,
} from "../../../src/protocol/call-binding.js";
import type { Credentials } from "../../../src/protocol/credentials.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { randomKey } from "../../../src/protocol/keys.js";
import { type MessageKeys, MessageProtector, REQUESTS } from "../../../src/protocol/message-protection.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { makeTicket, type TicketContents } from "../../../src/protocol/ticket.js";
import { AP_REQ_METADATA } from "../../../src/rpc/metadata-names.js";
import type { LogRecord } from "../../../src/services/exchange-log.js";
import { GuardedServerCall } from "../../../src/services/guard/call.js";
import { type GuardOptions, readGuardOptions } from "../../../src/services/guard/config.js";

export const NOW = Date.UTC(2026, 2, 1, 12);
export const AUTHORITY = "api.example.test:443";
/** The host that calls are bound to. */
export const HOST = "api.example.test";
export const CHAT_SERVICE = parsePrincipal("chat/api.example.test@TEST.EXAMPLE", "service");
export const ALICE = parsePrincipal("alice@TEST.EXAMPLE", "client");

/** Keys of the service, one of each encryption type named. */
export function serviceKeys(...etypes: readonly number[]) {
  return {
    principal: CHAT_SERVICE,
    keys: etypes.map((etype) => ({ kvno: 1, key: randomKey(etypeOf(etype)) })),
  };
}

export const KEYS = serviceKeys(20);

/** Alice's ticket for the service, with what is to be different. */
export function ticketFor(
  service = KEYS,
  changes: Partial<TicketContents> = {},
): Credentials & Pick<TicketContents, "sessionKey"> {
  const [key] = service.keys;
  const contents: TicketContents = {
    client: ALICE,
    server: service.principal,
    sessionKey: randomKey(key!.key.etype),
    flags: [],
    authtime: NOW,
    starttime: NOW,
    endtime: NOW + 3_600_000,
    renewTill: undefined,
    addresses: [],
    authorizationData: [],
    ...changes,
  };
  return { ...contents, key: contents.sessionKey, ticket: makeTicket(contents, key!) };
}

/** A method of one of the four kinds, whose messages are texts between brackets: `<` alone is none. */
export function methodOf(kind: "say" | "list" | "join" | "talk") {
  return {
    path: `/chat.v1.Chat/${kind}`,
    requestStream: kind === "join" || kind === "talk",
    responseStream: kind === "list" || kind === "talk",
    requestDeserialize: (bytes: Buffer) => {
      if (!bytes.toString().endsWith(">")) throw new Error("no text");
      return bytes.toString().slice(1, -1);
    },
    responseSerialize: (text: string) => Buffer.from(`<${text}>`),
  };
}
export type HandMadeMethod = ReturnType<typeof methodOf>;

/** A call's AP-REQ, its first message if it has a single one, and what its client knows. */
export interface Bound {
  readonly metadata: grpc.Metadata;
  /** The single request as it travels. */
  readonly request: Buffer;
  readonly pending: PendingApReq;
  readonly keys: MessageKeys | undefined;
  /** Protects further requests. */
  readonly protector: MessageProtector | undefined;
}

/** Makes what a client sends with a call; `request` makes the single request as it travels. */
export function bind(
  method: HandMadeMethod = methodOf("say"),
  protection: BoundCall["protection"] = "authenticate",
  {
    credentials = ticketFor(),
    text = "<hello>",
    request: makeRequest,
  }: {
    readonly credentials?: Credentials;
    readonly text?: string;
    readonly request?: (protector: MessageProtector) => Uint8Array;
  } = {},
): Bound {
  const fresh = needsSubkeys(protection, method)
    ? { subkey: makeSubkey(credentials.key), seqNumber: 7 }
    : undefined;
  const protectsRequests = fresh !== undefined && isProtected(protection, method.requestStream);
  const protector = protectsRequests ? new MessageProtector(REQUESTS, fresh, protection) : undefined;
  const plain = Buffer.from(text);
  let request = plain;
  if (!method.requestStream && protector !== undefined)
    request = Buffer.from(makeRequest?.(protector) ?? protector.protect(plain));
  const call = {
    method: method.path,
    authority: HOST,
    protection,
    requestSha256: method.requestStream ? undefined : sha256(request),
  };
  const { bytes, pending } = makeCallApReq(credentials, call, fresh, NOW);
  const metadata = new grpc.Metadata();
  metadata.set(AP_REQ_METADATA, Buffer.from(bytes));
  return { metadata, request, pending, keys: fresh, protector };
}

/** What reached the wire or the handler: what it was, and its contents. */
export type Passed = [what: string, value?: unknown];

/** A guarded call between a wire and a handler that write down what reaches them. */
export function openCall(
  options: Partial<GuardOptions> & {
    readonly method?: HandMadeMethod;
    readonly store?: NonNullable<GuardOptions["replayCache"]>["store"];
    readonly remoteAddress?: string | undefined;
    readonly certificate?: object;
    readonly started?: boolean;
  } = {},
) {
  const { method = methodOf("say"), store = async () => {}, certificate, started = true, ...rest } = options;
  const { remoteAddress, ...guard } = { remoteAddress: "127.0.0.1", ...rest };
  const wire: Passed[] = [];
  const handler: Passed[] = [];
  const log: LogRecord[] = [];
  const identity = (bytes: Buffer) => bytes;
  const below = {
    handler: { serialize: identity, deserialize: identity },
    start: () => {},
    startRead: () => void wire.push(["startRead"]),
    sendMetadata: (metadata: grpc.Metadata) => void wire.push(["metadata", metadata]),
    sendMessage: (bytes: Buffer, callback: () => void) => {
      wire.push(["message", bytes]);
      callback();
    },
    sendStatus: (status: grpc.StatusObject) => void wire.push([grpc.status[status.code]!, status]),
    getPeer: () => "127.0.0.1:1",
    getHost: () => AUTHORITY,
    getDeadline: () => Number.POSITIVE_INFINITY,
    getAuthContext: () => ({ sslPeerCertificate: certificate }),
    getConnectionInfo: () => ({ remoteAddress }),
  };
  const config = readGuardOptions({
    keytab: () => KEYS,
    replayCache: { store },
    clock: () => NOW,
    log: (record) => void log.push(record),
    ...guard,
  });
  const call = new GuardedServerCall(
    config,
    method as never,
    below as unknown as grpc.ServerInterceptingCallInterface,
  );
  const listener = {
    onReceiveMetadata: (metadata: grpc.Metadata) => void handler.push(["metadata", metadata]),
    onReceiveMessage: (message: unknown) => void handler.push(["message", message]),
    onReceiveHalfClose: () => void handler.push(["halfClose"]),
    onCancel: () => void handler.push(["cancel"]),
  };
  if (started) call.start(listener);
  return { call, wire, handler, log, below, listener };
}

/** What was passed, without its contents. */
export function names(passed: readonly Passed[]): string[] {
  return passed.map(([what]) => what);
}

/** Lets everything that waits for promises alone go on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
