/**
 * One guarded call of a client without a channel: a wire and an application that write down what reaches
 * them, and a service that answers by hand.
 *
 *   const { call, application, wire } = openCall({ method: methodOf("say") });
 *   const attempt = call.attempt();  // what an attempt's call credentials would give grpc-js
 */
import * as grpc from "@grpc/grpc-js";
import { GuardedCall } from "../../../src/client/guard/call.js";
import { readInterceptorOptions, type TicketInterceptorOptions } from "../../../src/client/guard/config.js";
import type { TicketSource } from "../../../src/client/guard/tickets.js";
import type { VerifiedApReq } from "../../../src/protocol/ap-exchange.js";
import { makeApProof, makeApRep } from "../../../src/protocol/ap-rep.js";
import { isProtected, type Protection, readApReq } from "../../../src/protocol/call-binding.js";
import {
  type MessageKeys,
  MessageOpener,
  MessageProtector,
  REQUESTS,
  RESPONSES,
} from "../../../src/protocol/message-protection.js";
import { AP_REP_METADATA, AP_REQ_METADATA } from "../../../src/rpc/metadata-names.js";
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
    ...options
  } = wish;
  const wire: Passed[] = [];
  const application: Passed[] = [];
  const watchers: ((status: grpc.StatusObject) => void)[] = [];
  const below = {
    call: {
      host: AUTHORITY,
      channel: {
        getTarget: () => target,
        getConnectivityState: () => grpc.connectivityState.READY,
        watchConnectivityState: () => {},
        credentials: { _isSecure: () => secure },
      },
      addStatusWatcher: (watcher: (status: grpc.StatusObject) => void) => void watchers.push(watcher),
    },
    methodDefinition: method,
    start: (metadata: grpc.Metadata) => void wire.push(["start", metadata]),
    startRead: () => void wire.push(["startRead"]),
    sendMessage: (bytes: Buffer) => void wire.push(["message", bytes]),
    sendMessageWithContext: (_context: object, bytes: Buffer) => void wire.push(["message", bytes]),
    halfClose: () => void wire.push(["halfClose"]),
    cancelWithStatus: (code: grpc.status, details: string) => void wire.push(["cancel", { code, details }]),
    getPeer: () => "127.0.0.1:1",
    getAuthContext: () => null,
  };
  let made: grpc.InterceptorOptions | undefined;
  const call = new GuardedCall(
    readInterceptorOptions(tickets, SERVICE, options),
    { method_definition: method as never, ...(credentials && { credentials }) },
    (options) => {
      made = options;
      return below as unknown as grpc.InterceptingCall;
    },
  );
  const metadata = new grpc.Metadata();
  metadata.set("x-mine", "y");
  metadata.set(AP_REQ_METADATA, Buffer.from("not mine to set"));
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
  return { call, wire, application, metadata, listener, attempt, watchers, below };
}

/** The service's end of a call, by the AP-REQ of one of its attempts. */
export interface Answerer {
  readonly verified: VerifiedApReq;
  /** Initial metadata with the AP-REP. */
  readonly headers: grpc.Metadata;
  /** Opens requests, protects responses; undefined where they travel as they are. */
  readonly opener: MessageOpener | undefined;
  readonly protector: MessageProtector | undefined;
}

/** Takes an attempt as the service does. */
export function answer(
  attempt: grpc.Metadata,
  method: HandMadeMethod,
  request?: Buffer,
  protection: Protection = "authenticate",
): Answerer {
  const [value] = attempt.get(AP_REQ_METADATA) as [Buffer];
  const { path, requestStream, responseStream } = method;
  const call = { method: path, authority: HOST, request, requestStream, responseStream };
  const policy = { service: KEYS, permittedEtypes: [20], clockSkew: 300_000 };
  const verified = verifyCall(readApReq(value), call, policy, NOW);
  const headers = new grpc.Metadata();
  const { subkey, authenticator } = verified;
  const keys: MessageKeys | undefined = subkey && { subkey, seqNumber: authenticator.seqNumber };
  const rep = subkey === undefined ? undefined : makeApRep(verified);
  headers.set(AP_REP_METADATA, Buffer.from(rep?.bytes ?? makeApProof(verified)));
  const protects = (stream: boolean) => isProtected(protection, stream);
  return {
    verified,
    headers,
    opener: keys && protects(requestStream) ? new MessageOpener(REQUESTS, keys, protection) : undefined,
    protector: rep && protects(responseStream) ? new MessageProtector(RESPONSES, rep, protection) : undefined,
  };
}
