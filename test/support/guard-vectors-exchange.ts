/**
 * The AP exchanges of the golden vectors of sessions: a first contact that is refused with a challenge, the
 * exchange that makes a session, and one that repeats a call, makes another and is refused all the same.
 * Times, keys and names are fixed, and every random byte is named.
 */
import { create } from "@bufbuild/protobuf";
import { encodeCanonical } from "../../src/canonical/encode.js";
import { sha256 } from "../../src/crypto/hash.js";
import { hkdfExpand, hkdfExtract } from "../../src/crypto/hkdf.js";
import { type Extension, ExtensionSchema } from "../../src/gen/kerberos/v1/extension_pb.js";
import { SessionReplySchema } from "../../src/gen/kerberos/v1/session_pb.js";
import type { VerifiedApReq } from "../../src/protocol/ap-exchange.js";
import { answerApReq } from "../../src/protocol/ap-rep.js";
import {
  apReqTag,
  type BoundCall,
  callBinding,
  makeCallApReq,
  type Protection,
  readApReq,
} from "../../src/protocol/call-binding.js";
import { Challenger } from "../../src/protocol/challenge.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key } from "../../src/protocol/keys.js";
import { KrbError, type KrbErrorName } from "../../src/protocol/krb-error.js";
import {
  grantExtension,
  type SessionExtensions,
  sessionExtensions,
  TRAILERS_ONLY,
} from "../../src/protocol/session-extensions.js";
import { deriveSessionKeys, type SessionKeys } from "../../src/protocol/session-keys.js";
import { makeSessionReply, type SessionAnswer } from "../../src/protocol/session-reply.js";
import { makeTicket } from "../../src/protocol/ticket.js";
import { boundHost } from "../../src/rpc/authority.js";
import { STATUS_DETAILS_METADATA } from "../../src/rpc/metadata-names.js";
import { toStatus } from "../../src/rpc/status.js";
import { AUTHORITY, CLIENT, METHOD, NOW, REQUEST, RESPONSE, SERVICE } from "./guard-vectors.js";
import { bytesOf, hex } from "./recorded-random.js";
import { verifyCall } from "./verify-call.js";

/** The encryption types that have sessions. */
export const SESSION_ETYPES = [20, 19] as const;
/** Milliseconds of the service's monotonic clock when it challenged, once for each exchange. */
export const CHALLENGED_AT = [86_400_000, 90_000_000] as const;
/** How long the sessions last, in seconds. */
export const LIFE = 28_800;
/** The number of the attempt that the second exchange repeats; it did not come. */
export const REPEATED_NUMBER = Number.MAX_SAFE_INTEGER - 1;

const UNARY = { requestStream: false, responseStream: false };
const LABELS = {
  call: "call",
  reply: "reply",
  clientMessages: "message c",
  serviceMessages: "message s",
  clientSeal: "seal c",
  serviceSeal: "seal s",
} as const;

/** How a call ended, as it travels. */
export interface VectorStatus {
  readonly code: number;
  readonly message: string;
  /** `grpc-status-details-bin`, in hexadecimal. */
  readonly details: string;
}

export const OK: VectorStatus = { code: 0, message: "", details: "" };

/** A session, as both ends hold it. */
export interface VectorSession {
  readonly id: Uint8Array;
  readonly keys: SessionKeys;
  /** The bytes of the keys, by label, in hexadecimal. */
  readonly bytes: Readonly<Record<string, string>>;
}

/** An AP exchange, with what it takes to make it again with one thing altered. */
export interface VectorExchange {
  readonly session: VectorSession;
  readonly challenge: Uint8Array;
  readonly extensions: SessionExtensions;
  readonly clientSubkey: Key;
  readonly serviceSubkey: Key;
  readonly bound: BoundCall;
  readonly apReq: Uint8Array;
  readonly apRep: Uint8Array;
  readonly verified: VerifiedApReq;
  /** As it stands in the file. */
  readonly written: ReturnType<typeof writeExchange>;
}

/**
 * A source of randomness whose draws have names; a draw that is made again, for the same bytes, is listed
 * once.
 */
export class NamedRandom {
  readonly draws: { readonly for: string; readonly bytes: string }[] = [];
  readonly #label: string;

  constructor(label: string) {
    this.#label = label;
  }

  /** Gives at most as many draws as there are names, in that order. */
  take(...names: readonly string[]) {
    let next = 0;
    return (size: number) => {
      const name = names[next++];
      if (name === undefined) throw new Error(`a draw more than ${names.join(", ")}`);
      const bytes = bytesOf(`${this.#label} ${name}`, size);
      if (!this.draws.some((draw) => draw.for === name)) this.draws.push({ for: name, bytes: hex(bytes) });
      return bytes;
    };
  }
}

/** A service that has sessions, and a client with a ticket for it. */
export function openEnds(etype: (typeof SESSION_ETYPES)[number]) {
  const random = new NamedRandom(`sessions ${etype}`);
  const key = (name: string) => new Key(etypeOf(etype), etypeOf(etype).generateKey(random.take(name)));
  const [serviceKey, sessionKey] = [key("service key"), key("session key")];
  const times = { authtime: NOW - 60_000, starttime: NOW - 60_000, endtime: NOW + 36_000_000 };
  const facts = { client: CLIENT, server: SERVICE, flags: [], ...times, renewTill: undefined };
  const contents = { ...facts, sessionKey, addresses: [], authorizationData: [] };
  const ticket = makeTicket(contents, { kvno: 1, key: serviceKey }, random.take("ticket: confounder"));
  const credentials: Credentials = { ...facts, key: sessionKey, ticket };
  const service = { principal: SERVICE, keys: [{ kvno: 1, key: serviceKey }] };
  const secret = random.take("secret of challenges");
  const challenges = CHALLENGED_AT.map((_, i) => random.take(`challenge ${i + 1}`));
  let asked = 0;
  const challenger = new Challenger((size) => (asked++ === 0 ? secret : challenges[asked - 2]!)(size));
  const policy = (at: number) => ({
    service,
    permittedEtypes: [etype],
    clockSkew: 300_000,
    checkChallenge: (challenge: Uint8Array) => {
      if (!challenger.isGood(challenge, at)) throw moreRequired();
    },
  });
  return { etype, random, key, serviceKey, sessionKey, credentials, service, challenger, policy };
}

export type Ends = ReturnType<typeof openEnds>;

/** The refusal that asks for a challenge. */
export function moreRequired(challenge?: Uint8Array): KrbError {
  const text = "an authenticator is taken here with a challenge alone";
  return new KrbError("KDC_ERR_MORE_PREAUTH_DATA_REQUIRED", text, {}, undefined, challenge);
}

/** The status of a refusal. */
export function statusOf(refusal: KrbError): VectorStatus {
  const { code, details: message, metadata } = toStatus(refusal);
  const [details] = metadata.get(STATUS_DETAILS_METADATA);
  return { code, message, details: hex(details as Buffer) };
}

/** A refusal by rule, of a call whose proof is good. */
export function belowFloor(floor: Protection, protection: Protection): VectorStatus {
  const details = { rule: "protection", floor, protection, client: CLIENT };
  return statusOf(
    new KrbError("KDC_ERR_POLICY", `the service asks for protection ${floor} at least`, details),
  );
}

/** The first AP-REQ of a client, which is refused: it asks for a session, and has no challenge. */
export function firstContact(ends: Ends) {
  const bound = unaryCall();
  const subkey = ends.key("first contact: client subkey");
  const carried = { subkey, extensions: sessionExtensions({ asksForSession: true }) };
  const draws = ends.random.take("first contact: nonce", "first contact: confounder");
  const { bytes } = makeCallApReq(ends.credentials, bound, carried, NOW, draws);
  return { bound, bytes };
}

/** The exchange that answers a challenge. */
export function exchange(
  ends: Ends,
  index: 0 | 1,
  repeats: SessionExtensions["repeats"],
  status: VectorStatus,
): VectorExchange {
  const name = `exchange ${index + 1}`;
  const { random, credentials } = ends;
  const challenge = ends.challenger.make(CHALLENGED_AT[index]);
  const extensions = { challenge, repeats, asksForSession: true };
  const bound = unaryCall();
  const [clientSubkey, serviceSubkey] = [
    ends.key(`${name}: client subkey`),
    ends.key(`${name}: service subkey`),
  ];
  const carried = { subkey: clientSubkey, extensions: sessionExtensions(extensions) };
  const draws = random.take(`${name}: nonce`, `${name}: AP-REQ's confounder`);
  const { bytes: apReq } = makeCallApReq(credentials, bound, carried, NOW + index, draws);
  const call = { ...UNARY, method: METHOD, authority: bound.authority, request: REQUEST };
  const verified = verifyCall(readApReq(apReq), call, ends.policy(CHALLENGED_AT[index]), NOW);
  const id = random.take(`${name}: session id`)(16);
  const granted: Extension[] = [grantExtension({ id, life: LIFE })];
  if (status.code !== 0) granted.push(create(ExtensionSchema, { ...TRAILERS_ONLY }));
  const answered = { subkey: serviceSubkey, extensions: granted };
  const apRep = answerApReq(verified, answered, random.take(`${name}: AP-REP's confounder`));
  const origin = { clientSubkey, serviceSubkey, id, apReq, apRep };
  const keys = deriveSessionKeys(origin);
  const session = { id, keys, bytes: keyBytes(origin) };
  const made = { session, challenge, extensions, clientSubkey, serviceSubkey, bound, apReq, apRep, verified };
  return { ...made, written: writeExchange(made, status) };
}

/** The tag by which a first contact is named. */
export function tagOf(apReq: Uint8Array): Uint8Array {
  return apReqTag(apReq, SERVICE);
}

/** What a reply covers, and the reply. */
export function writeReply({ keys }: Pick<VectorSession, "keys">, answer: SessionAnswer) {
  const covered = create(SessionReplySchema, {
    ...answer,
    number: BigInt(answer.number),
    responses: BigInt(answer.responses),
  });
  return {
    sessionReply: hex(encodeCanonical(SessionReplySchema, covered)),
    "kerberos-reply-bin": hex(makeSessionReply(keys.reply, answer)),
  };
}

/** A reason as the vectors of refusals name it. */
export type Reason = KrbErrorName;

function unaryCall(): BoundCall {
  const authority = boundHost(AUTHORITY);
  return { method: METHOD, authority, protection: "authenticate", requestSha256: sha256(REQUEST) };
}

function writeExchange(
  { session, bound, clientSubkey, serviceSubkey, challenge, apReq, apRep }: Omit<VectorExchange, "written">,
  status: VectorStatus,
) {
  const isOk = status.code === 0;
  const answer = {
    session: session.id,
    number: 0,
    code: status.code,
    message: status.message,
    details: Buffer.from(status.details, "hex"),
    responseSha256: isOk ? sha256(RESPONSE) : new Uint8Array(),
    responses: 0,
  };
  return {
    challenge: hex(challenge),
    callBinding: hex(callBinding(bound)),
    "kerberos-ap-req-bin": hex(apReq),
    "kerberos-ap-rep-bin": hex(apRep),
    apRepIn: isOk ? "initial metadata" : "trailers",
    clientSubkey: hex(clientSubkey.exportBytes()),
    serviceSubkey: hex(serviceSubkey.exportBytes()),
    session: hex(session.id),
    keys: session.bytes,
    responses: isOk ? [hex(RESPONSE)] : [],
    status,
    ...writeReply(session, answer),
  };
}

/** The six keys, derived once more: ours do not show theirs. */
function keyBytes({
  clientSubkey,
  serviceSubkey,
  id,
  apReq,
  apRep,
}: Parameters<typeof deriveSessionKeys>[0]): Record<string, string> {
  const input = Buffer.concat([clientSubkey.exportBytes(), serviceSubkey.exportBytes()]);
  return Object.fromEntries(
    Object.values(LABELS).map((label) => {
      const info = `tessera guard session v1\0${label}\0`;
      const size = label.startsWith("seal") ? clientSubkey.etype.keySize : 32;
      const covered = Buffer.concat([Buffer.from(info), sha256(apReq), sha256(apRep)]);
      return [label, hex(hkdfExpand(hkdfExtract(id, input), covered, size))];
    }),
  );
}
