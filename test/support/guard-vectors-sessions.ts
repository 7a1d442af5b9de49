/**
 * Makes the golden vectors of sessions (docs/guard.md): one session for each encryption type that has them,
 * from the first contact on, and under it calls of every level and kind.
 */
import { sha256 } from "../../src/crypto/hash.js";
import { isProtected, PROTECTIONS } from "../../src/protocol/call-binding.js";
import { REQUESTS, RESPONSES } from "../../src/protocol/message-keys.js";
import { MessageProtector } from "../../src/protocol/message-protection.js";
import { makeSessionCall, type SessionAttempt, sessionBinding } from "../../src/protocol/session-call.js";
import { boundHost } from "../../src/rpc/authority.js";
import {
  AUTHORITY,
  CLIENT,
  KINDS,
  METHOD,
  NOW,
  REQUEST,
  RESPONSE,
  SERVICE,
  type VectorCall,
} from "./guard-vectors.js";
import {
  belowFloor,
  CHALLENGED_AT,
  type Ends,
  exchange,
  firstContact,
  LIFE,
  moreRequired,
  OK,
  openEnds,
  REPEATED_NUMBER,
  type SESSION_ETYPES,
  statusOf,
  tagOf,
  type VectorSession,
  type VectorStatus,
  writeReply,
} from "./guard-vectors-exchange.js";
import { hex } from "./recorded-random.js";

/** An attempt at a call under a session. */
export interface SessionVectorCall extends Omit<VectorCall, "etype"> {
  readonly number: number;
  /** The number of the call's first attempt. */
  readonly call: number;
  /** Whole seconds since the grant. */
  readonly age: number;
  /** How it was answered; undefined: not at all. */
  readonly status: VectorStatus | undefined;
  /** How many responses came before that. */
  readonly responses: number;
}

const UNARY = KINDS.unary!;
const BOTH = KINDS["bidirectional stream"]!;

/** Every level for every kind, in order; then retries, refusals and the ends of numbers and ages. */
export const SESSION_CALLS: readonly SessionVectorCall[] = [
  ...PROTECTIONS.flatMap((protection, level) =>
    Object.entries(KINDS).map(([kind, shape], i) =>
      callOf(`${protection}, ${kind}`, level * 4 + i + 1, { protection, ...shape }),
    ),
  ),
  callOf("integrity, unary, unanswered", 17, { protection: "integrity", status: undefined, responses: 0 }),
  callOf("integrity, unary, its retry", 18, { call: 17, protection: "integrity" }),
  callOf("privacy, bidirectional stream, unanswered", 19, {
    protection: "privacy",
    ...BOTH,
    status: undefined,
    responses: 0,
  }),
  callOf("privacy, bidirectional stream, its retry", 20, { call: 19, protection: "privacy", ...BOTH }),
  callOf("authenticate, unary, refused by level in trailers alone", 21, {
    status: belowFloor("privacy", "authenticate"),
    responses: 0,
  }),
  callOf("integrity, server stream, broken off with a status", 22, {
    protection: "integrity",
    ...KINDS["server stream"]!,
    status: { code: 9, message: "Größe: 100 % verkauft", details: "" },
  }),
  callOf("authenticate, unary, an hour later, the highest number", Number.MAX_SAFE_INTEGER, { age: 3600 }),
];

function callOf(name: string, number: number, rest: Partial<SessionVectorCall>): SessionVectorCall {
  const plain = { call: number, protection: "authenticate", age: 12, status: OK, responses: 1 } as const;
  return { name, number, ...plain, ...UNARY, ...rest };
}

/** A session and the calls under it: the file's entry, and what both ends hold. */
export function runSessions(etype: (typeof SESSION_ETYPES)[number]) {
  const ends = openEnds(etype);
  const first = firstContact(ends);
  const made = exchange(ends, 0, { tag: tagOf(first.bytes) }, OK);
  const calls = SESSION_CALLS.map((call) => writeCall(ends, made.session, call));
  const repeats = { session: made.session.id, number: REPEATED_NUMBER };
  const refused = exchange(ends, 1, repeats, belowFloor("privacy", "authenticate"));
  const vector = {
    name: `etype ${etype}`,
    input: {
      etype,
      now: new Date(NOW).toISOString(),
      client: CLIENT,
      service: SERVICE,
      method: METHOD,
      authority: AUTHORITY,
      request: hex(REQUEST),
      response: hex(RESPONSE),
      serviceKey: hex(ends.serviceKey.exportBytes()),
      sessionKey: hex(ends.sessionKey.exportBytes()),
      challengedAt: CHALLENGED_AT,
      life: LIFE,
      randomDraws: ends.random.draws,
    },
    firstContact: {
      "kerberos-ap-req-bin": hex(first.bytes),
      status: statusOf(moreRequired(made.challenge)),
    },
    exchanges: [made.written, refused.written],
    calls,
  };
  return { ends, first, made, refused, vector };
}

/** A call's vector: what it is, and the bytes it comes to. */
function writeCall(ends: Ends, session: VectorSession, call: SessionVectorCall) {
  const { keys, id } = session;
  const { number, call: first, protection, age, requestStream, responseStream, status } = call;
  const fromClient = { checksums: keys.clientMessages, seal: keys.clientSeal, call: first };
  const requests = protectAll(ends, new MessageProtector(REQUESTS, fromClient, protection), {
    // A retry sends the bytes of the first attempt again.
    name: `call ${first}: request`,
    message: REQUEST,
    count: requestStream ? 2 : 1,
    isProtected: isProtected(protection, requestStream),
    ends: requestStream,
  });
  const fromService = { checksums: keys.serviceMessages, seal: keys.serviceSeal, call: number };
  const responses = protectAll(ends, new MessageProtector(RESPONSES, fromService, protection), {
    name: `call ${number}: response`,
    message: RESPONSE,
    count: call.responses,
    isProtected: isProtected(protection, responseStream),
    ends: responseStream && status?.code === 0,
  });
  const requestSha256 = requestStream ? undefined : sha256(requests[0]!);
  const bound = { method: METHOD, authority: boundHost(AUTHORITY), protection, requestSha256 };
  const attempt: SessionAttempt = { session: id, number, call: first, protection, age };
  const [single] = responseStream ? [] : responses;
  const { responses: count, ...input } = call;
  return {
    ...input,
    output: {
      sessionBinding: hex(sessionBinding(attempt, bound)),
      "kerberos-call-bin": hex(makeSessionCall(keys.call, attempt, bound)),
      requests: requests.map(hex),
      responses: responses.map(hex),
      ...(status &&
        writeReply(session, {
          session: id,
          number,
          code: status.code,
          message: status.message,
          details: Buffer.from(status.details, "hex"),
          responseSha256: single === undefined ? new Uint8Array() : sha256(single),
          responses: responseStream ? count : 0,
        })),
    },
  };
}

/** The messages of a direction as they travel. */
function protectAll(
  { random }: Ends,
  protector: MessageProtector,
  said: { name: string; message: Uint8Array; count: number; isProtected: boolean; ends: boolean },
): Uint8Array[] {
  const messages = Array<Uint8Array>(said.count).fill(said.message);
  if (!said.isProtected) return messages;
  const draw = (i: number) => random.take(`${said.name} ${i + 1}: confounder`);
  const travelling = messages.map((message, i) => protector.protect(message, draw(i)));
  return said.ends ? [...travelling, protector.end(draw(said.count))] : travelling;
}
