/**
 * One guarded call of a client without a channel: a wire and an application that write down what reaches
 * them, and a service that answers by hand.
 *
 *   const { call, application, wire } = openCall({ method: methodOf("say") });
 *   const attempt = call.attempt();  // what an attempt's call credentials would give grpc-js
 */
import * as grpc from "@grpc/grpc-js";
import { GuardedCall } from "../../../src/client/guard/call.js";
import {
  type InterceptorConfig,
  readInterceptorOptions,
  type TicketInterceptorOptions,
} from "../../../src/client/guard/config.js";
import type { TicketSource } from "../../../src/client/guard/tickets.js";
import { makeSubkey, randomSeqNumber, type VerifiedApReq } from "../../../src/protocol/ap-exchange.js";
import { answerApReq } from "../../../src/protocol/ap-rep.js";
import { isProtected, needsSubkeys, type Protection, readApReq } from "../../../src/protocol/call-binding.js";
import { REQUESTS, RESPONSES, type SubkeyMessageKeys } from "../../../src/protocol/message-keys.js";
import { MessageOpener, MessageProtector } from "../../../src/protocol/message-protection.js";
import { type Grant, grantExtension, TRAILERS_ONLY } from "../../../src/protocol/session-extensions.js";
import { deriveSessionKeys, type SessionKeys } from "../../../src/protocol/session-keys.js";
import { AP_REP_METADATA, AP_REQ_METADATA, CALL_METADATA } from "../../../src/rpc/metadata-names.js";
import {
  AUTHORITY,
  HOST,
  KEYS,
  NOW,
  type Passed,
  methodOf as serverMethodOf,
  ticketFor,
} from "../../services/guard/by-hand.js";
import { verifyCall } from "../../support/verify-call.js";

export {
  AUTHORITY,
  HOST,
  NOW,
  names,
  type Passed,
  serviceKeys,
  settled,
  ticketFor,
} from "../../services/guard/by-hand.js";
export const SERVICE = "chat/api.example.test";

/** A method of one of the four kinds, whose messages are texts between brackets: `<` alone is none. */
export function methodOf(kind: "say" | "list" | "join" | "talk") {
  const { path, requestStream, responseStream, requestDeserialize, responseSerialize } = serverMethodOf(kind);
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: (text: string) => responseSerialize(text),
    responseDeserialize: (bytes: Buffer) => requestDeserialize(bytes),
  };
}
export type HandMadeMethod = ReturnType<typeof methodOf>;

/** What a call is opened with. */
export interface CallWish extends TicketInterceptorOptions {
  readonly method?: HandMadeMethod;
  readonly tickets?: TicketSource;
  readonly target?: string;
  readonly secure?: boolean;
  readonly credentials?: grpc.CallCredentials;
  readonly started?: boolean;
  /** A call of the same interceptor, over the same channel. */
  readonly beside?: { readonly config: InterceptorConfig; readonly channel: object };
  readonly deadline?: grpc.Deadline;
  readonly parent?: grpc.CallOptions["parent"];
}

/** A source that has a ticket at hand. */
export function ticketSource(credentials = ticketFor()): TicketSource {
  return { serviceProof: async () => ({ credentials, clock: () => NOW }) };
}

/** A guarded call between an application and a wire that write down what reaches them. */
export function openCall(wish: CallWish = {}) {
  const {
    method = methodOf("say"),
    tickets = ticketSource(),
    target = "dns:127.0.0.1:1",
    secure = false,
    credentials,
    started = true,
    beside,
    deadline,
    parent,
    ...options
  } = wish;
  const config = beside?.config ?? readInterceptorOptions(tickets, SERVICE, options);
  const channel = beside?.channel ?? {
    getTarget: () => target,
    getConnectivityState: () => grpc.connectivityState.READY,
    watchConnectivityState: () => {},
    credentials: { _isSecure: () => secure },
  };
  const wire: Passed[] = [];
  const application: Passed[] = [];
  const watchers: ((status: grpc.StatusObject) => void)[] = [];
  const below = {
    call: {
      host: AUTHORITY,
      channel,
      addStatusWatcher: (watcher: (status: grpc.StatusObject) => void) => void watchers.push(watcher),
    },
    methodDefinition: method,
    start: (metadata: grpc.Metadata) => void wire.push(["start", metadata]),
    startRead: () => void wire.push(["startRead"]),
    sendMessage: (bytes: Buffer) => void wire.push(["message", bytes]),
    sendMessageWithContext: ({ callback }: { callback?: () => void }, bytes: Buffer) => {
      wire.push(["message", bytes]);
      callback?.();
    },
    halfClose: () => void wire.push(["halfClose"]),
    cancelWithStatus: (code: grpc.status, details: string) => void wire.push(["cancel", { code, details }]),
    getPeer: () => "127.0.0.1:1",
    getAuthContext: () => null,
  };
  let made: grpc.InterceptorOptions | undefined;
  const state = { closed: false };
  const call = new GuardedCall(
    config,
    {
      method_definition: method as never,
      ...(credentials && { credentials }),
      ...(deadline !== undefined && { deadline }),
      ...(parent && { parent }),
    },
    (options) => {
      if (state.closed) throw new Error("Channel has been shut down");
      made = options;
      return below as unknown as grpc.InterceptingCall;
    },
  );
  const metadata = new grpc.Metadata();
  metadata.set("x-mine", "y");
  metadata.set(AP_REQ_METADATA, Buffer.from("not mine to set"));
  metadata.set(CALL_METADATA, Buffer.from("not mine to set"));
  const listener = {
    onReceiveMetadata: (headers: grpc.Metadata) => void application.push(["metadata", headers]),
    onReceiveMessage: (message: unknown) => void application.push(["message", message]),
    onReceiveStatus: (status: grpc.StatusObject) =>
      void application.push([grpc.status[status.code]!, status]),
  };
  if (started) call.start(metadata, listener);
  /** What the call credentials give for one attempt. */
  const attempt = () =>
    made!.credentials!.generateMetadata({
      method_name: method.path,
      service_url: "https://api.example.test",
    });
  /** Makes no call below any more: the channel has been closed. */
  const close = () => {
    state.closed = true;
  };
  return { call, wire, application, metadata, listener, attempt, watchers, below, config, channel, close };
}

/** The keys of a session that nobody else has. */
export function sessionKeys(): SessionKeys {
  const { key } = ticketFor();
  return deriveSessionKeys({
    clientSubkey: makeSubkey(key),
    serviceSubkey: makeSubkey(key),
    id: new Uint8Array(16),
    apReq: new Uint8Array(),
    apRep: new Uint8Array(),
  });
}

/** What an answer is made with. */
export interface AnswerWish {
  readonly protection?: Protection;
  /** The session that it grants. */
  readonly grant?: Grant;
  /** Whether it says of itself that it travels in trailers. */
  readonly trailersOnly?: boolean;
  /** What its responses count from; by default 0 where none is protected. */
  readonly seqNumber?: number;
}

/** The service's end of a call, by the AP-REQ of one of its attempts. */
export interface Answerer {
  readonly verified: VerifiedApReq;
  /** Metadata with the AP-REP, initial or trailing. */
  readonly headers: grpc.Metadata;
  /** Opens requests, protects responses; undefined where they travel as they are. */
  readonly opener: MessageOpener | undefined;
  readonly protector: MessageProtector | undefined;
  /** Of the session granted. */
  readonly keys: SessionKeys | undefined;
}

/** Takes an attempt as the service does. */
export function answer(
  attempt: grpc.Metadata,
  method: HandMadeMethod,
  request?: Buffer,
  { protection = "authenticate", grant, trailersOnly = false, seqNumber }: AnswerWish = {},
): Answerer {
  const [apReq] = attempt.get(AP_REQ_METADATA) as [Buffer];
  const { path, requestStream, responseStream } = method;
  const call = { method: path, authority: HOST, request, requestStream, responseStream };
  const policy = { service: KEYS, permittedEtypes: [20, 3], clockSkew: 300_000, checkChallenge: () => {} };
  const verified = verifyCall(readApReq(apReq), call, policy, NOW);
  const { subkey, authenticator, ticket } = verified;
  const agreed = needsSubkeys(protection, method);
  const own: SubkeyMessageKeys | undefined =
    agreed || grant !== undefined
      ? { subkey: makeSubkey(ticket.sessionKey), seqNumber: seqNumber ?? (agreed ? randomSeqNumber() : 0) }
      : undefined;
  const extensions = [
    ...(grant === undefined ? [] : [grantExtension(grant)]),
    ...(trailersOnly ? [TRAILERS_ONLY] : []),
  ];
  const apRep = answerApReq(verified, { seqNumber: seqNumber ?? 0, ...own, extensions });
  const headers = new grpc.Metadata();
  headers.set(AP_REP_METADATA, Buffer.from(apRep));
  const protects = (stream: boolean) => isProtected(protection, stream);
  const theirs = subkey && { subkey, seqNumber: authenticator.seqNumber };
  return {
    verified,
    headers,
    opener: theirs && protects(requestStream) ? new MessageOpener(REQUESTS, theirs, protection) : undefined,
    protector: own && protects(responseStream) ? new MessageProtector(RESPONSES, own, protection) : undefined,
    keys:
      grant && own && subkey
        ? deriveSessionKeys({ clientSubkey: subkey, serviceSubkey: own.subkey, id: grant.id, apReq, apRep })
        : undefined,
  };
}
