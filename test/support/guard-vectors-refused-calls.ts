/** Calls under a session, their answers and their messages that must be refused, each with its reason. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { sha256 } from "../../src/crypto/hash.js";
import { SessionCallSchema } from "../../src/gen/kerberos/v1/session_pb.js";
import type { Protection } from "../../src/protocol/call-binding.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { REQUESTS, RESPONSES, type SessionMessageKeys } from "../../src/protocol/message-keys.js";
import { MessageProtector } from "../../src/protocol/message-protection.js";
import { makeSessionCall, type SessionAttempt } from "../../src/protocol/session-call.js";
import type { MacKey } from "../../src/protocol/session-keys.js";
import { makeSessionReply, type SessionAnswer } from "../../src/protocol/session-reply.js";
import { boundHost } from "../../src/rpc/authority.js";
import { AUTHORITY, METHOD, REQUEST, RESPONSE } from "./guard-vectors.js";
import { belowFloor, NamedRandom, OK, type VectorStatus } from "./guard-vectors-exchange.js";
import {
  type ArrivedAnswer,
  type ArrivedCall,
  type ArrivedMessages,
  unhex,
} from "./guard-vectors-receivers.js";
import type { runSessions } from "./guard-vectors-sessions.js";
import { hex } from "./recorded-random.js";

type Run = ReturnType<typeof runSessions>;
interface Refused {
  readonly what: string;
  readonly reason: KrbErrorName;
}

/** The highest number there is. */
const HIGHEST = Number.MAX_SAFE_INTEGER;

/** Calls under a session that the service refuses; call 5 altered in one thing, unless they say otherwise. */
export function refusedCalls({ made, refused, vector }: Run): (Refused & ArrivedCall)[] {
  const { id, keys } = made.session;
  const call = (number: number) => vector.calls.find((one) => one.number === number)!;
  const plain = call(5).output["kerberos-call-bin"];
  const request = call(5).output.requests[0]!;
  const attempt: SessionAttempt = { session: id, number: 5, call: 5, protection: "authenticate", age: 12 };
  const bound = {
    method: METHOD,
    authority: boundHost(AUTHORITY),
    protection: "authenticate" as const,
    requestSha256: sha256(REQUEST),
  };
  const under = (key: MacKey, change: Partial<SessionAttempt> = {}, binding: object = {}) =>
    hex(makeSessionCall(key, { ...attempt, ...change }, { ...bound, ...binding }));
  const edited = (change: object, bytes = plain) =>
    hex(toBinary(SessionCallSchema, { ...fromBinary(SessionCallSchema, unhex(bytes)), ...change } as never));
  const { mac } = fromBinary(SessionCallSchema, unhex(plain));
  const macOf = (number: number) =>
    fromBinary(SessionCallSchema, unhex(call(number).output["kerberos-call-bin"])).mac;
  const sent = (what: string, reason: KrbErrorName, bytes: string, rest: Partial<ArrivedCall> = {}) => ({
    what,
    reason,
    calls: [bytes],
    request,
    ...rest,
  });
  const received = (what: string, reason: KrbErrorName, rest: Partial<ArrivedCall>) =>
    sent(what, reason, plain, rest);
  const more = "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED";
  const apReq = vector.exchanges[0]!["kerberos-ap-req-bin"];
  const streamed = call(6).output["kerberos-call-bin"];
  return [
    received("another method", "KRB_AP_ERR_MODIFIED", { method: "/orders.v1.OrderService/CancelOrder" }),
    received("another request", "KRB_AP_ERR_MODIFIED", { request: `${request}00` }),
    received("the request left out, as of a stream", "KRB_AP_ERR_MODIFIED", { request: undefined }),
    sent("a stream's proof with a single request", "KRB_AP_ERR_MODIFIED", streamed),
    sent(
      "bound to another host",
      "KRB_AP_ERR_MODIFIED",
      under(keys.call, {}, { authority: "orders.evil.test" }),
      {
        authority: "orders.evil.test",
      },
    ),
    sent(
      "bound to another host, whose proxy changed the authority to the service's",
      "KRB_AP_ERR_MODIFIED",
      under(keys.call, {}, { authority: "orders.evil.test" }),
    ),
    sent(
      "bound to localhost, from another machine",
      "KRB_AP_ERR_MODIFIED",
      under(keys.call, {}, { authority: "localhost" }),
      {
        authority: "localhost:443",
      },
    ),
    sent(
      "bound to the authority with its port",
      "KRB_AP_ERR_MODIFIED",
      under(keys.call, {}, { authority: AUTHORITY }),
    ),
    sent("another number", "KRB_AP_ERR_MODIFIED", edited({ number: 6n })),
    sent("the MAC of another number", "KRB_AP_ERR_MODIFIED", edited({ mac: macOf(1) })),
    sent("a first attempt's number added", "KRB_AP_ERR_MODIFIED", edited({ call: 4n })),
    sent(
      "a retry's first number left out",
      "KRB_AP_ERR_MODIFIED",
      edited({ call: 0n }, call(18).output["kerberos-call-bin"]),
      { request: call(18).output.requests[0]! },
    ),
    sent("a higher level", "KRB_AP_ERR_MODIFIED", edited({ protection: 3 })),
    sent("the least level", "KRB_AP_ERR_MODIFIED", edited({ protection: 4 })),
    sent("another age", "KRB_AP_ERR_MODIFIED", edited({ age: 11 })),
    sent("no age", "KRB_AP_ERR_MODIFIED", edited({ age: 0 })),
    sent("the identifier of another session", "KRB_AP_ERR_MODIFIED", edited({ session: refused.session.id })),
    sent("the MAC of another session", "KRB_AP_ERR_MODIFIED", under(refused.session.keys.call)),
    sent("a MAC under the key `reply`", "KRB_AP_ERR_MODIFIED", under(keys.reply)),
    sent("a MAC under the key `message c`", "KRB_AP_ERR_MODIFIED", under(keys.clientMessages)),
    sent("a MAC of zeros", "KRB_AP_ERR_MODIFIED", edited({ mac: new Uint8Array(16) })),
    sent("a session that the service does not hold", more, edited({ session: new Uint8Array(16) })),
    sent("identifier and MAC changed about", more, edited({ session: mac, mac: id })),
    received("its number again", "KRB_AP_ERR_REPEAT", { came: [5] }),
    received("its number again, after others", "KRB_AP_ERR_REPEAT", { came: [1, 5, 3, 9] }),
    received("a number that is not waited for any more", "KRB_AP_ERR_REPEAT", { came: [1030] }),
    received("held back for 61 s", more, { heldFor: 73.001 }),
    sent("number 0", "KRB_ERR_GENERIC", edited({ number: 0n })),
    sent("number -1", "KRB_ERR_GENERIC", edited({ number: -1n })),
    sent("number 2^53", "KRB_ERR_GENERIC", edited({ number: BigInt(HIGHEST) + 1n })),
    sent("its own number as the first", "KRB_ERR_GENERIC", edited({ call: 5n })),
    sent("a higher number as the first", "KRB_ERR_GENERIC", edited({ call: 6n })),
    sent("no level", "KRB_ERR_GENERIC", edited({ protection: 0 })),
    sent("a level that is none", "KRB_ERR_GENERIC", edited({ protection: 5 })),
    sent("an identifier of 15 bytes", "KRB_ERR_GENERIC", edited({ session: id.subarray(1) })),
    sent("no MAC", "KRB_ERR_GENERIC", edited({ mac: new Uint8Array() })),
    sent("a MAC of 15 bytes", "KRB_ERR_GENERIC", edited({ mac: mac.subarray(1) })),
    sent("a MAC of 32 bytes", "KRB_ERR_GENERIC", edited({ mac: new Uint8Array(32) })),
    sent("a field that nobody knows", "KRB_ERR_GENERIC", `${plain}3801`),
    sent("a byte more", "KRB_ERR_GENERIC", `${plain}00`),
    sent("two of them in one value", "KRB_ERR_GENERIC", `${plain}${plain}`),
    sent("its fields in another order", "KRB_ERR_GENERIC", `${plain.slice(36)}${plain.slice(0, 36)}`),
    sent("the reply in its place", "KRB_ERR_GENERIC", call(5).output["kerberos-reply-bin"]!),
    received("two values", "KRB_ERR_GENERIC", { calls: [plain, plain] }),
    received("an AP-REQ beside it", "KRB_ERR_GENERIC", { apReqs: [apReq] }),
    received("neither it nor an AP-REQ", "KDC_ERR_PREAUTH_REQUIRED", { calls: [] }),
    received("below the service's floor; proven", "KDC_ERR_POLICY", { floor: "integrity" }),
  ];
}

/** Answers that the client refuses. */
export function refusedAnswers({ made, refused, vector }: Run): (Refused & ArrivedAnswer)[] {
  const { id, keys } = made.session;
  const reply = (number: number) =>
    vector.calls.find((one) => one.number === number)!.output["kerberos-reply-bin"]!;
  const answer: SessionAnswer = {
    session: id,
    number: 5,
    code: 0,
    message: "",
    details: new Uint8Array(),
    responseSha256: sha256(RESPONSE),
    responses: 0,
  };
  const under = (key: MacKey, change: Partial<SessionAnswer> = {}) =>
    hex(makeSessionReply(key, { ...answer, ...change }));
  const plain = {
    replies: [reply(5)],
    numbers: [5],
    responseStream: false,
    responses: [hex(RESPONSE)],
    status: OK,
  };
  const row = (what: string, change: Partial<ArrivedAnswer>): Refused & ArrivedAnswer => ({
    what,
    reason: "KRB_AP_ERR_MUT_FAIL",
    ...plain,
    ...change,
  });
  const proof = (what: string, ...replies: string[]) => row(what, { replies });
  const status = (what: string, change: Partial<VectorStatus>) => row(what, { status: { ...OK, ...change } });
  const denied = belowFloor("privacy", "authenticate");
  const trailers = { replies: [reply(21)], numbers: [21], responses: [] };
  const stream = vector.calls.find(({ number }) => number === 3)!;
  const streamed = {
    replies: [stream.output["kerberos-reply-bin"]!],
    numbers: [3],
    responseStream: true,
    status: OK,
  };
  const three = stream.output.responses;
  return [
    proof("no proof"),
    proof("the proof twice", reply(5), reply(5)),
    proof("an empty proof", ""),
    proof("a byte more", `${reply(5)}00`),
    proof("the proof of another call", reply(1)),
    proof("the proof of the call that made the session", under(keys.reply, { number: 0 })),
    proof("a proof of another session", under(refused.session.keys.reply, { session: refused.session.id })),
    proof("a proof under the key `call`", under(keys.call)),
    proof("a proof under the key `message s`", under(keys.serviceMessages)),
    row("the proof of an attempt that was not sent", { numbers: [4, 6] }),
    status("a status in place of OK", { code: 7 }),
    status("another text", { message: "sold out" }),
    status("details added", { details: denied.details }),
    row("a refusal turned to OK", { ...trailers, status: { ...denied, code: 0 } }),
    row("a refusal with another text", { ...trailers, status: { ...denied, message: "try again" } }),
    row("a refusal without its details", { ...trailers, status: { ...denied, details: "" } }),
    row("a response added to a refusal", { ...trailers, responses: plain.responses, status: denied }),
    row("another response", { responses: [hex(REQUEST)] }),
    row("no response", { responses: [] }),
    row("a stream's response left out", { ...streamed, responses: three.slice(0, -1) }),
    row("a stream's response doubled", { ...streamed, responses: [...three, ...three] }),
  ];
}

/** Messages that their receiver refuses. */
export function refusedMessages({ made, refused, vector, ends }: Run): (Refused & ArrivedMessages)[] {
  const { keys } = made.session;
  const outputOf = (number: number) => vector.calls.find((one) => one.number === number)!.output;
  return (["integrity", "privacy"] as const).flatMap((protection) => {
    const number = protection === "integrity" ? 10 : 14;
    const [first, second, end] = outputOf(number).requests as [string, string, string];
    const [response, lastResponse] = outputOf(number).responses as [string, string];
    const forged: KrbErrorName =
      protection === "privacy" ? "KRB_AP_ERR_BAD_INTEGRITY" : "KRB_AP_ERR_MODIFIED";
    const row = (
      what: string,
      reason: KrbErrorName,
      messages: readonly string[],
      rest: Partial<ArrivedMessages> = {},
    ) => ({
      what: `${protection}: ${what}`,
      reason,
      to: "service" as const,
      protection: protection as Protection,
      number,
      messages,
      ends: false,
      ...rest,
    });
    const toClient = { to: "client" } as const;
    const made1 = (what: string, own: SessionMessageKeys, direction = REQUESTS) =>
      hex(
        new MessageProtector(direction, own, protection).protect(
          REQUEST,
          new NamedRandom(`refused ${ends.etype}`).take(`${protection} ${what}: confounder`),
        ),
      );
    const ofClient = { checksums: keys.clientMessages, seal: keys.clientSeal, call: number };
    const ofService = { checksums: keys.serviceMessages, seal: keys.serviceSeal, call: number };
    const other = refused.session.keys;
    const spliced =
      protection === "integrity"
        ? [row("the checksum of another", "KRB_AP_ERR_MODIFIED", [first.slice(0, -32) + second.slice(-32)])]
        : [row("half of another", forged, [first.slice(0, 48) + second.slice(48)])];
    return [
      row("of another call", "KRB_AP_ERR_MODIFIED", [made1("other call", { ...ofClient, call: number + 1 })]),
      row("of the attempt before, from the service", "KRB_AP_ERR_MODIFIED", [response], {
        ...toClient,
        number: number + 1,
      }),
      row("of another session", forged, [
        made1("other session", { checksums: other.clientMessages, seal: other.clientSeal, call: number }),
      ]),
      row("sent back to its sender", forged, [first], toClient),
      row("of the client, under the service's keys", forged, [made1("service's keys", ofService, RESPONSES)]),
      ...spliced,
      row("the second before the first", "KRB_AP_ERR_BADORDER", [second]),
      row("the first twice", "KRB_AP_ERR_BADORDER", [first, first]),
      row("one left out", "KRB_AP_ERR_BADORDER", [first, end]),
      row("cut short", "KRB_AP_ERR_MODIFIED", [first, second], { ends: true }),
      row("one after the end", "KRB_AP_ERR_MODIFIED", [first, second, end, second]),
      row("the end twice", "KRB_AP_ERR_MODIFIED", [first, second, end, end]),
      row("a stream of nothing at all", "KRB_AP_ERR_MODIFIED", [], { ends: true }),
      row("responses cut short", "KRB_AP_ERR_MODIFIED", [response], { ...toClient, ends: true }),
      row("the end alone", "KRB_AP_ERR_BADORDER", [lastResponse], { ...toClient, ends: true }),
      row("as it was before it was protected", forged, [hex(REQUEST)]),
    ];
  });
}
