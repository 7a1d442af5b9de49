/**
 * Guarded calls without a server: tickets and AP-REQs made here, a wire and a handler that write down what
 * reaches them. The client's side of sessions is in session-by-hand.ts.
 *
 *   const { call, wire, handler } = openCall({ method: methodOf("say") });
 *   call.onReceiveMetadata(bind().metadata);
 */
import * as grpc from "@grpc/grpc-js";
import { sha256 } from "../../../src/crypto/hash.js";
import type { Extension } from "../../../src/gen/kerberos/v1/extension_pb.js";
import { makeSubkey, type PendingApReq } from "../../../src/protocol/ap-exchange.js";
import {
  type BoundCall,
  isProtected,
  makeCallApReq,
  needsSubkeys,
} from "../../../src/protocol/call-binding.js";
import type { Credentials } from "../../../src/protocol/credentials.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { type Key, randomKey } from "../../../src/protocol/keys.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { type MessageKeys, REQUESTS } from "../../../src/protocol/message-keys.js";
import { MessageProtector } from "../../../src/protocol/message-protection.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { type SessionExtensions, sessionExtensions } from "../../../src/protocol/session-extensions.js";
import { makeTicket, type TicketContents } from "../../../src/protocol/ticket.js";
import {
  AP_REP_METADATA,
  AP_REQ_METADATA,
  REPLY_METADATA,
  STATUS_DETAILS_METADATA,
} from "../../../src/rpc/metadata-names.js";
import { fromServiceError } from "../../../src/rpc/status.js";
import type { LogRecord } from "../../../src/services/exchange-log.js";
import { GuardedServerCall } from "../../../src/services/guard/call.js";
import { type GuardConfig, type GuardOptions, readGuardOptions } from "../../../src/services/guard/config.js";

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

/** What a client sends with a call. */
export interface Sent {
  readonly method: HandMadeMethod;
  readonly metadata: grpc.Metadata;
  /** The single request as it travels. */
  readonly request: Buffer;
  /** Protects further requests. */
  readonly protector: MessageProtector | undefined;
}

/** A call with an AP-REQ, and what its client knows. */
export interface Bound extends Sent {
  readonly pending: PendingApReq;
  readonly keys: MessageKeys | undefined;
  /** The AP-REQ as it travels. */
  readonly apReq: Buffer;
  readonly subkey: Key | undefined;
}

/** Makes what a client sends with a call; `request` makes the single request as it travels. */
export function bind(
  method: HandMadeMethod = methodOf("say"),
  protection: BoundCall["protection"] = "authenticate",
  {
    credentials = ticketFor(),
    text = "<hello>",
    request: makeRequest,
    authority = HOST,
    extensions = {},
    list = sessionExtensions(extensions),
  }: {
    readonly credentials?: Credentials;
    readonly text?: string;
    readonly request?: (protector: MessageProtector) => Uint8Array;
    readonly authority?: string;
    readonly extensions?: SessionExtensions;
    /** In the place of what `extensions` says. */
    readonly list?: readonly Extension[];
  } = {},
): Bound {
  const protects = needsSubkeys(protection, method);
  const subkey = protects || extensions.asksForSession ? makeSubkey(credentials.key) : undefined;
  const fresh = protects ? { subkey: subkey!, seqNumber: 7 } : undefined;
  const protectsRequests = fresh !== undefined && isProtected(protection, method.requestStream);
  const protector = protectsRequests ? new MessageProtector(REQUESTS, fresh, protection) : undefined;
  const plain = Buffer.from(text);
  let request = plain;
  if (!method.requestStream && protector !== undefined)
    request = Buffer.from(makeRequest?.(protector) ?? protector.protect(plain));
  const call = {
    method: method.path,
    authority,
    protection,
    requestSha256: method.requestStream ? undefined : sha256(request),
  };
  const carried = { subkey, seqNumber: fresh?.seqNumber, extensions: list };
  const { bytes, pending } = makeCallApReq(credentials, call, carried, NOW);
  const metadata = new grpc.Metadata();
  const apReq = Buffer.from(bytes);
  metadata.set(AP_REQ_METADATA, apReq);
  return { method, metadata, request, pending, keys: fresh, protector, apReq, subkey };
}

/** What reached the wire or the handler: what it was, and its contents. */
export type Passed = [what: string, value?: unknown];

/** What a call comes over and asks for. */
export interface CallWish {
  readonly method?: HandMadeMethod;
  readonly authority?: string;
  readonly remoteAddress?: string | undefined;
  /** Whether the connection is encrypted. */
  readonly secure?: boolean;
  readonly certificate?: object;
  readonly started?: boolean;
}

export type GuardWish = Partial<GuardOptions> & {
  readonly store?: NonNullable<GuardOptions["replayCache"]>["store"];
  /** What calls wait for that arrived together; by default they do not wait. */
  readonly inTurn?: GuardConfig["inTurn"];
};

/** A guarded call between a wire and a handler that write down what reaches them; there is a replay cache. */
export function openCall(options: GuardWish & CallWish = {}) {
  const { method, authority, remoteAddress, secure, certificate, started, ...guard } = {
    remoteAddress: "127.0.0.1",
    ...options,
  };
  const wish = { method, authority, remoteAddress, secure, certificate, started } as CallWish;
  return openGuard({ store: async () => {}, ...guard }).open(wish);
}

export type OpenedCall = ReturnType<typeof openCall>;

/** A guard, as in a process of its own: its calls share challenges, tags and sessions. */
export function openGuard({ store, inTurn = (check) => check(), ...options }: GuardWish = {}) {
  const log: LogRecord[] = [];
  const read = readGuardOptions({
    keytab: () => KEYS,
    replayCache: store && { store },
    clock: () => NOW,
    log: (record) => void log.push(record),
    ...options,
  });
  const config: GuardConfig = { ...read, inTurn };
  const open = (wish: CallWish = {}) => ({ ...openOn(config, wish), log });
  return {
    config,
    log,
    /** Opens a call. */
    open,
    /** Opens a call and sends its metadata and its single request. */
    send: (sent: Sent, wish: CallWish = {}) => {
      const opened = open({ method: sent.method, ...wish });
      // The guard takes the proof out of it: what was sent may be sent again.
      opened.call.onReceiveMetadata(sent.metadata.clone());
      if (!sent.method.requestStream) opened.call.onReceiveMessage(sent.request);
      return opened;
    },
  };
}

export type HandMadeGuard = ReturnType<typeof openGuard>;

function openOn(config: ReturnType<typeof readGuardOptions>, wish: CallWish) {
  const { method = methodOf("say"), authority = AUTHORITY, certificate, started = true } = wish;
  const { remoteAddress, secure = false } = { remoteAddress: "127.0.0.1", ...wish };
  const wire: Passed[] = [];
  const handler: Passed[] = [];
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
    getHost: () => authority,
    getDeadline: () => Number.POSITIVE_INFINITY,
    getAuthContext: () => ({ sslPeerCertificate: certificate }),
    getConnectionInfo: () => ({ remoteAddress }),
    stream: { closed: true, session: { encrypted: secure, destroyed: false, socket: { destroyed: false } } },
  };
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
  return { method, call, wire, handler, below, listener };
}

/** What was passed, without its contents. */
export function names(passed: readonly Passed[]): string[] {
  return passed.map(([what]) => what);
}

/** Lets everything that waits for promises alone go on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Reads the request, answers it and ends the call. */
export function answer({ call, method }: Pick<OpenedCall, "call" | "method">, text = "bye"): void {
  call.startRead();
  call.sendMessage(text, () => {});
  if (method.responseStream) call.sendMessage(`${text} again`, () => {});
  call.sendStatus({ code: grpc.status.OK, details: "" });
}

/** The only status on a wire: its code, its proofs, and what it says of a refusal. */
export function endOf(wire: readonly Passed[]) {
  const statuses = wire.filter(([what]) => what in grpc.status);
  if (statuses.length !== 1) throw new Error(`expected one status, got ${statuses.length}`);
  const [code, status] = statuses[0] as [string, grpc.StatusObject];
  const trailer = (name: string) =>
    (status.metadata ?? new grpc.Metadata()).get(name)[0] as Buffer | undefined;
  const error = fromServiceError(status);
  const refusal = error instanceof KrbError ? error : undefined;
  return {
    code,
    text: status.details,
    reason: refusal?.reason,
    details: refusal?.details ?? {},
    challenge: refusal?.challenge,
    apRep: trailer(AP_REP_METADATA),
    reply: trailer(REPLY_METADATA),
    statusDetails: trailer(STATUS_DETAILS_METADATA),
  };
}
