/**
 * The client's side of a session, made by hand on top of by-hand.ts.
 *
 *   const guard = openGuard();
 *   const session = openSession(guard);
 *   const opened = guard.send(bindUnder(session, { number: 1 }));
 */
import * as grpc from "@grpc/grpc-js";
import { expect } from "vitest";
import { sha256 } from "../../../src/crypto/hash.js";
import { EncryptedDataSchema } from "../../../src/gen/kerberos/v1/encryption_pb.js";
import { openApRep } from "../../../src/protocol/ap-rep.js";
import { replayTag } from "../../../src/protocol/authenticator.js";
import { isProtected, readApReq } from "../../../src/protocol/call-binding.js";
import type { Credentials } from "../../../src/protocol/credentials.js";
import { REQUESTS } from "../../../src/protocol/message-keys.js";
import { MessageProtector } from "../../../src/protocol/message-protection.js";
import { makeSessionCall, type SessionAttempt } from "../../../src/protocol/session-call.js";
import {
  AP_REP_EXTENSIONS,
  type Grant,
  readGrant,
  type SessionExtensions,
} from "../../../src/protocol/session-extensions.js";
import { deriveSessionKeys, type SessionKeys } from "../../../src/protocol/session-keys.js";
import { isSessionReply } from "../../../src/protocol/session-reply.js";
import { decodeBlob } from "../../../src/protocol/strict-decode.js";
import { AP_REP_METADATA, CALL_METADATA } from "../../../src/rpc/metadata-names.js";
import {
  answer,
  type Bound,
  bind,
  type CallWish,
  CHAT_SERVICE,
  endOf,
  type GuardWish,
  type HandMadeGuard,
  type HandMadeMethod,
  HOST,
  methodOf,
  NOW,
  names,
  type OpenedCall,
  openGuard,
  type Passed,
  type Sent,
  ticketFor,
} from "./by-hand.js";

/** A session as its client knows it. */
export interface ClientSession extends Grant {
  readonly keys: SessionKeys;
}

/** The session that an answer grants, by its AP-REP in initial metadata or among the trailers. */
export function sessionIn(bound: Bound, wire: readonly Passed[]): ClientSession | undefined {
  const [, initial] = wire.find(([what]) => what === "metadata") ?? [];
  const apRep =
    ((initial as grpc.Metadata | undefined)?.get(AP_REP_METADATA)[0] as Buffer) ?? endOf(wire).apRep;
  const { subkey, extensions } = openApRep(apRep, bound.pending, AP_REP_EXTENSIONS);
  const grant = readGrant(extensions);
  if (grant === undefined) return undefined;
  const subkeys = { clientSubkey: bound.subkey!, serviceSubkey: subkey! };
  return { ...grant, keys: deriveSessionKeys({ ...subkeys, id: grant.id, apReq: bound.apReq, apRep }) };
}

/** A challenge of the guard's, as a client gets it. */
export function challengeOf(guard: HandMadeGuard, wish: CallWish = {}): Uint8Array {
  const { wire } = guard.send(bind(wish.method), wish);
  return endOf(wire).challenge!;
}

/** The exchange that makes a session, its call answered. */
export function openSession(
  guard: HandMadeGuard,
  { credentials = ticketFor(), ...wish }: CallWish & { readonly credentials?: Credentials } = {},
): ClientSession {
  const challenge = guard.config.policy.hasReplayCache ? undefined : challengeOf(guard, wish);
  const extensions = { challenge, asksForSession: true };
  const bound = bind(wish.method, "authenticate", { credentials, extensions });
  const opened = guard.send(bound, wish);
  answer(opened);
  return sessionIn(bound, opened.wire)!;
}

/** Makes what a client sends with a call under a session; `alter` changes its proof on the way. */
export function bindUnder(
  { id, keys }: Pick<ClientSession, "id" | "keys">,
  {
    number,
    call = number,
    age = 0,
    method = methodOf("say"),
    protection = "authenticate",
    authority = HOST,
    text = "<hello>",
    alter = (bytes) => bytes,
  }: Pick<SessionAttempt, "number"> &
    Partial<SessionAttempt> & {
      readonly method?: HandMadeMethod;
      readonly authority?: string;
      readonly text?: string;
      readonly alter?: (bytes: Uint8Array) => Uint8Array;
    },
): Sent {
  const attempt = { session: id, number, call, protection, age };
  const messageKeys = { checksums: keys.clientMessages, seal: keys.clientSeal, call };
  const protector = isProtected(protection, method.requestStream)
    ? new MessageProtector(REQUESTS, messageKeys, protection)
    : undefined;
  const plain = Buffer.from(text);
  const request =
    method.requestStream || protector === undefined ? plain : Buffer.from(protector.protect(plain));
  const requestSha256 = method.requestStream ? undefined : sha256(request);
  const bound = { method: method.path, authority, protection, requestSha256 };
  const metadata = new grpc.Metadata();
  metadata.set(CALL_METADATA, Buffer.from(alter(makeSessionCall(keys.call, attempt, bound))));
  return { method, metadata, request, protector };
}

/** Whether the end of a call is proven to be the answer to an attempt under a session, as it travelled. */
export function isProven(
  { id, keys }: Pick<ClientSession, "id" | "keys">,
  number: number,
  { method, wire }: Pick<OpenedCall, "method" | "wire">,
  endMarkers = 0,
): boolean {
  const { code, text, statusDetails, reply } = endOf(wire);
  const messages = wire.filter(([what]) => what === "message").map(([, bytes]) => bytes as Buffer);
  const single = method.responseStream ? undefined : messages[0];
  return (
    reply !== undefined &&
    isSessionReply(
      keys.reply,
      {
        session: id,
        number,
        code: grpc.status[code as "OK"],
        message: text,
        details: statusDetails ?? new Uint8Array(),
        responseSha256: single === undefined ? new Uint8Array() : sha256(single),
        responses: method.responseStream ? messages.length - endMarkers : 0,
      },
      reply,
    )
  );
}

/** What a guard says of a session that it does not hold. */
export const UNKNOWN_SESSION = {
  code: "UNAUTHENTICATED",
  reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED",
  challenge: expect.any(Uint8Array),
};

/** Expects a call to have ended in a refusal that nothing proves, before the handler knew of it. */
export function expectUnproven({ wire, handler }: OpenedCall, refusal: object): void {
  expect(endOf(wire)).toMatchObject({ code: "UNAUTHENTICATED", ...refusal });
  expect(endOf(wire)).toMatchObject({ reply: undefined, apRep: undefined });
  expect(names(wire).filter((what) => what === "metadata" || what === "message")).toEqual([]);
  expect(handler).toEqual([]);
}

/** A guard without a replay cache, unless one is given, whose clocks the test turns. */
export function turningGuard(options: GuardWish = {}) {
  const world = { now: NOW, uptime: 1_000.5 };
  const guard = openGuard({ clock: () => world.now, uptime: () => world.uptime, ...options });
  return { world, guard };
}

/** A call with these extensions in its authenticator. */
export function bindWith(extensions: SessionExtensions): Bound {
  return bind(methodOf("say"), "authenticate", { extensions });
}

/** What a guard knows a call's authenticator by. */
export function tagOf({ apReq }: Bound): Uint8Array {
  const { authenticator } = readApReq(apReq).blobs;
  return replayTag(CHAT_SERVICE, decodeBlob(EncryptedDataSchema, authenticator, "authenticator"));
}

/** Whether a call reached its handler. */
export function isLetIn({ handler }: Pick<OpenedCall, "handler">): boolean {
  return handler.length > 0;
}
