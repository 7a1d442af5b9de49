/**
 * The receivers of the golden vectors of sessions: the guard's gate with the vectors' sessions in its table,
 * and what a client checks. Each throws the KrbError of a refusal.
 */
import { createHash } from "node:crypto";
import * as grpc from "@grpc/grpc-js";
import { ReceivedAnswer } from "../../src/client/guard/received-answer.js";
import { mutualFailure, openApRep } from "../../src/protocol/ap-rep.js";
import { type CallShape, type Protection, readApReq } from "../../src/protocol/call-binding.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import { REQUESTS, RESPONSES, type SessionMessageKeys } from "../../src/protocol/message-keys.js";
import { MessageOpener } from "../../src/protocol/message-protection.js";
import { AP_REP_EXTENSIONS, isTrailersOnly, readGrant } from "../../src/protocol/session-extensions.js";
import { openTicket } from "../../src/protocol/ticket.js";
import { REPLY_METADATA, STATUS_DETAILS_METADATA } from "../../src/rpc/metadata-names.js";
import { type Admission, Gate } from "../../src/services/guard/admission.js";
import { OwnNames } from "../../src/services/guard/own-names.js";
import { readProof } from "../../src/services/guard/proof.js";
import { SessionTable } from "../../src/services/guard/sessions.js";
import { AUTHORITY, KINDS, METHOD, NOW } from "./guard-vectors.js";
import { CHALLENGED_AT, LIFE, type VectorStatus } from "./guard-vectors-exchange.js";
import type { runSessions } from "./guard-vectors-sessions.js";
import { verifyCall } from "./verify-call.js";

type Run = ReturnType<typeof runSessions>;

/** Hexadecimal to bytes. */
export const unhex = (text: string): Buffer => Buffer.from(text, "hex");

/** A call under a session as it reaches the service. */
export interface ArrivedCall {
  /** The values of `kerberos-call-bin` and of `kerberos-ap-req-bin`. */
  readonly calls: readonly string[];
  readonly apReqs?: readonly string[];
  readonly method?: string;
  readonly authority?: string;
  /** The single request as it travelled; left out of a stream of requests. */
  readonly request?: string | undefined;
  /** Numbers that came before, in this order. */
  readonly came?: readonly number[];
  /** Whole seconds since the grant, by the service's clock. */
  readonly heldFor?: number;
  /** The least protection that the service takes. */
  readonly floor?: Protection;
  readonly responseStream?: boolean;
}

/** A gate that holds the vectors' sessions; the peer is another machine. */
export function gateOf({ ends, made, refused }: Run, heldFor: number, floor: Protection) {
  const sessions = new SessionTable({ life: LIFE * 1000 });
  const { ticket } = ends.credentials;
  const contents = openTicket(ticket, ends.service, [ends.etype]);
  for (const { id, keys } of [made.session, refused.session])
    sessions.add(
      {
        id,
        keys,
        ticket: contents,
        ticketBytes: ticket,
        authorizationData: [],
        serviceKeys: ends.service.keys,
      },
      0,
    );
  const gate = new Gate({
    floor,
    permittedEtypes: [ends.etype],
    strongEtypes: [ends.etype],
    authorizationData: [],
    bindClientCertificate: undefined,
    clockSkew: 300_000,
    openTicket,
    names: new OwnNames(undefined),
    sessions,
    hasReplayCache: false,
    uptime: () => heldFor * 1000,
  });
  return { gate, sessions };
}

/** Another machine, over plaintext. */
export const PEER = { peerAddress: "192.0.2.1", secure: false };

/** Receives a call under a session; a refusal whose answer is proven is thrown like the others. */
export function receiveCall(run: Run, arrived: ArrivedCall): Admission {
  const { calls, apReqs = [], came = [], heldFor = 12, floor = "call", responseStream = false } = arrived;
  const { gate, sessions } = gateOf(run, heldFor, floor);
  for (const number of came) sessions.find(run.made.session.id, 0)!.numbers.take(number);
  const looked = gate.look(readProof(apReqs.map(unhex), calls.map(unhex)), run.ends.service, PEER, NOW);
  const call = {
    method: arrived.method ?? METHOD,
    authority: arrived.authority ?? AUTHORITY,
    requestSha256: arrived.request === undefined ? undefined : sha256(arrived.request),
    requestStream: arrived.request === undefined,
    responseStream,
  };
  const admission = gate.admit(looked, run.ends.service, call, PEER, NOW);
  if (admission.refusal !== undefined) throw admission.refusal;
  return admission;
}

/** An answer as it reaches the client. */
export interface ArrivedAnswer {
  /** The values of `kerberos-reply-bin`. */
  readonly replies: readonly string[];
  /** The numbers of the attempts that were sent. */
  readonly numbers: readonly number[];
  readonly responseStream: boolean;
  readonly responses: readonly string[];
  readonly status: VectorStatus;
}

/** Receives an answer to a call under the first session. */
export function receiveAnswer({ made }: Run, arrived: ArrivedAnswer): void {
  const { replies, numbers, responseStream, responses, status } = arrived;
  const answer = new ReceivedAnswer(made.session, { requestStream: false, responseStream });
  for (const response of responses) answer.add(unhex(response));
  const metadata = new grpc.Metadata();
  for (const reply of replies) metadata.add(REPLY_METADATA, unhex(reply));
  if (status.details !== "") metadata.set(STATUS_DETAILS_METADATA, unhex(status.details));
  const { code, message: details } = status;
  if (!answer.isProven({ code, details, metadata }, numbers)) throw mutualFailure();
}

/** The messages of one direction of a call under the first session, as they reach their receiver. */
export interface ArrivedMessages {
  readonly to: "service" | "client";
  readonly protection: Protection;
  /** The number that they are bound to. */
  readonly number: number;
  readonly messages: readonly string[];
  /** Whether the stream ends after them. */
  readonly ends: boolean;
}

/** Receives messages. */
export function receiveMessages(run: Run, { to, protection, number, messages, ends }: ArrivedMessages): void {
  const { keys } = run.made.session;
  const own: SessionMessageKeys =
    to === "service"
      ? { checksums: keys.clientMessages, seal: keys.clientSeal, call: number }
      : { checksums: keys.serviceMessages, seal: keys.serviceSeal, call: number };
  const opener = new MessageOpener(to === "service" ? REQUESTS : RESPONSES, own, protection);
  for (const message of messages) opener.open(unhex(message));
  if (ends) opener.checkEnded();
}

/** Receives an AP-REQ of the unary call, at the time of the first challenge. */
export function receiveApReq({ ends, made }: Run, apReq: string, shape: CallShape = KINDS.unary!) {
  const { method, authority } = made.bound;
  const request = shape.requestStream ? undefined : unhex("0a046c616d70");
  return verifyCall(
    readApReq(unhex(apReq)),
    { method, authority, ...shape, request },
    ends.policy(CHALLENGED_AT[0]),
    NOW,
  );
}

/** Receives an AP-REP as the answer to the first exchange. */
export function receiveApRep({ ends, made }: Run, apRep: string, place: string): void {
  const { authenticator, ctime } = made.verified;
  const pending = { sessionKey: ends.sessionKey, ctime, nonce: authenticator.nonce };
  const { subkey, extensions } = openApRep(unhex(apRep), pending, AP_REP_EXTENSIONS);
  const grant = readGrant(extensions);
  if (isTrailersOnly(extensions) !== (place === "trailers")) throw mutualFailure();
  if ((subkey === undefined) !== (grant === undefined)) throw mutualFailure();
}

/** The reason of a refusal; undefined: none. */
export function reasonOf(receive: () => unknown): string | undefined {
  try {
    receive();
    return undefined;
  } catch (error) {
    if (error instanceof KrbError) return error.reason;
    throw error;
  }
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(unhex(text)).digest();
}
