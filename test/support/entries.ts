/**
 * Pure helpers: principal entries, a policy, and the whole dialogue in one process, without server, file or
 * clock.
 *
 *   const realm = makeRealm();                      alice, krbtgt and a service, keys of etype 3
 *   const { credentials } = login(realm);           messages (1) and (2)
 *   const service = grantTicket(realm, credentials) messages (3) and (4)
 *   const answer = access(realm, service.credentials, bytes)   messages (5) and (6)
 */
import { create, toBinary } from "@bufbuild/protobuf";
import type { AccessRequest, AccessResponse } from "../../src/gen/kerberos/v1/application_service_pb.js";
import type {
  AuthenticateRequest,
  AuthenticateResponse,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import {
  type EncTicketPart,
  SealedPartSchema,
  type Ticket,
  TicketSchema,
} from "../../src/gen/kerberos/v1/sealed_pb.js";
import type {
  GrantTicketRequest,
  GrantTicketResponse,
} from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import {
  makeAccessRep,
  makeAccessReq,
  openAccessRep,
  verifyAccessReq,
} from "../../src/protocol/access-exchange.js";
import type { ApReqPolicy, PendingApReq, VerifiedApReq } from "../../src/protocol/ap-exchange.js";
import { type AsContext, issueTgt, makeAsReq, openAsRep } from "../../src/protocol/as-exchange.js";
import { DEFAULT_ATTEMPT_LIMITS } from "../../src/protocol/attempt-limits.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { asClient, type Decoy, makeDecoy } from "../../src/protocol/decoy.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import type { KdcReply } from "../../src/protocol/kdc-reply.js";
import type { TicketWish } from "../../src/protocol/kdc-request.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { Key, type LongTermKey, randomKey } from "../../src/protocol/keys.js";
import type { RealmPolicy } from "../../src/protocol/policy.js";
import { krbtgtOf, type Principal, principalInRealm } from "../../src/protocol/principal.js";
import { currentKeys, emptyEntry, type PrincipalEntry } from "../../src/protocol/principal-entry.js";
import { profile } from "../../src/protocol/profile.js";
import {
  type PartKind,
  type PartOf,
  type Sealing,
  seal,
  sealToBytes,
  unseal,
  unsealFromBytes,
} from "../../src/protocol/sealed-part.js";
import { decodeBlob } from "../../src/protocol/strict-decode.js";
import {
  issueServiceTicket,
  makeTgsReq,
  openTgsRep,
  type PendingTgsReq,
  type VerifiedTgsReq,
  verifyTgsReq,
} from "../../src/protocol/tgs-exchange.js";
import type { TicketContents } from "../../src/protocol/ticket.js";

export const REALM = "EXAMPLE.TEST";
/** When everything happens unless a test turns the clock, in milliseconds since the epoch. */
export const NOW = Date.UTC(2026, 2, 1, 12);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** The clock skew that `makePolicy` permits, in milliseconds. */
export const SKEW = 5 * MINUTE;

/** The principal `name`, in the test realm unless it names another. */
export function named(name: string): Principal {
  return principalInRealm(name, REALM);
}

/** The policy of a `textbook` realm: ten hours, renewable for a week. */
export function makePolicy(changes: Partial<RealmPolicy> = {}): RealmPolicy {
  const { permitted, keyEtypes } = profile("textbook");
  return {
    realm: REALM,
    permittedEtypes: permitted,
    keyEtypes,
    maxLife: 10 * HOUR,
    maxRenewableLife: 7 * DAY,
    clockSkew: SKEW,
    attempts: DEFAULT_ATTEMPT_LIMITS,
    ...changes,
  };
}

/** Random keys of one version, one for each encryption type. */
export function makeKeys(etypes: readonly number[], kvno = 1): LongTermKey[] {
  return etypes.map((etype) => ({ kvno, key: randomKey(etypeOf(etype)) }));
}

/** An active principal with random keys and no limits of its own. */
export function makeEntry(
  name: string,
  etypes: readonly number[] = [3],
  changes: Partial<PrincipalEntry> = {},
): PrincipalEntry {
  return { ...emptyEntry(named(name), NOW), tgtsFrom: 0, keys: makeKeys(etypes), ...changes };
}

/** A realm with one user, its TGS and one service. */
export interface TestRealm {
  readonly policy: RealmPolicy;
  readonly alice: PrincipalEntry;
  readonly krbtgt: PrincipalEntry;
  readonly service: PrincipalEntry;
  readonly decoy: Decoy;
  /** The encryption types the user asks for, best first. */
  readonly etypes: readonly number[];
}

/** A realm whose keys are all of one encryption type. */
export function makeRealm(etype = 3, changes: Partial<TestRealm> = {}): TestRealm {
  const policy = makePolicy({ keyEtypes: [etype] });
  return {
    policy,
    alice: makeEntry("alice", [etype], { passwordKeyed: true }),
    krbtgt: makeEntry(krbtgtOf(REALM), [etype]),
    service: makeEntry("notes/localhost", [etype]),
    decoy: makeDecoy(policy),
    etypes: [etype],
    ...changes,
  };
}

/** The first current key of an entry. */
export function keyOf(entry: PrincipalEntry): Key {
  return longTermKeyOf(entry).key;
}

/** The first current key of an entry, with its version. */
export function longTermKeyOf(entry: PrincipalEntry): LongTermKey {
  return currentKeys(entry)[0]!;
}

/** What the AS fetches before it decides about `realm.alice`. */
export function asContext(realm: TestRealm): AsContext {
  const { policy, krbtgt, alice } = realm;
  return { client: { entry: alice, exists: true }, krbtgt, policy };
}

/** What the AS fetches before it decides about a principal that does not exist. */
export function unknownContext(realm: TestRealm, name: Principal = realm.alice.principal): AsContext {
  const { policy, krbtgt, decoy } = realm;
  return { client: asClient(decoy, name, decoy.entry, false), krbtgt, policy };
}

/** The principals of a KDC, by a lookup of entries whose keys stay the test's. */
export function principalsBy(get: (principal: Principal) => Promise<PrincipalEntry | undefined>) {
  const copies = (entry: PrincipalEntry): PrincipalEntry => ({
    ...entry,
    keys: entry.keys.map((held) => ({ ...held, key: new Key(held.key.etype, held.key.exportBytes()) })),
  });
  const getOrDecoy = async (principal: Principal, decoy: Decoy) => {
    const entry = await get(principal);
    const client = asClient(decoy, principal, copies(entry ?? decoy.entry), entry !== undefined);
    return { ...client, hasLoggedIn: () => {} };
  };
  const atHand = async (_: Principal, decoy: Decoy) => ({ entry: decoy.entry, exists: false });
  const isKept = () => false;
  const clients = { isKept, getOrDecoy, atHand, lastKnown: async () => undefined };
  return { get, getAnew: get, isFollowing: false, clients };
}

/** What the service accepts. */
export function servicePolicy(realm: TestRealm): ApReqPolicy {
  const { principal, keys } = realm.service;
  const { permittedEtypes, clockSkew } = realm.policy;
  return { service: { principal, keys }, permittedEtypes, clockSkew };
}

/** Messages (1) and (2), with what both sides know afterwards. */
export interface Login {
  readonly request: AuthenticateRequest;
  readonly response: AuthenticateResponse;
  readonly ticket: TicketContents;
  readonly reply: KdcReply;
  readonly credentials: Credentials;
}

/** Logs `realm.alice` in. */
export function login(realm: TestRealm, wish: Partial<TicketWish> = {}, now = NOW): Login {
  const key = keyOf(realm.alice);
  const request = makeAsReq(realm.alice.principal, { etypes: realm.etypes, ...wish }, key, now);
  const { response, ticket } = issueTgt(request, asContext(realm), now);
  const reply = openAsRep(response, request, key, now);
  return { request, response, ticket, reply, credentials: reply.credentials };
}

/** Messages (3) and (4), with what both sides know afterwards. */
export interface Grant {
  readonly request: GrantTicketRequest;
  readonly pending: PendingTgsReq;
  readonly verified: VerifiedTgsReq;
  readonly response: GrantTicketResponse;
  readonly ticket: TicketContents;
  readonly reply: KdcReply;
  readonly credentials: Credentials;
}

/** Gets a ticket for `realm.service`, or for another principal known by the same entry. */
export function grantTicket(
  realm: TestRealm,
  tgt: Credentials,
  wish: Partial<TicketWish> = {},
  now = NOW,
  server: PrincipalEntry = realm.service,
): Grant {
  const made = makeTgsReq(tgt, server.principal, { etypes: realm.etypes, ...wish }, now);
  const verified = verifyTgsReq(made.request, realm.krbtgt, realm.policy, now);
  const context = { client: realm.alice, service: server, policy: realm.policy };
  const { response, ticket } = issueServiceTicket(verified, context, now);
  const reply = openTgsRep(response, made.pending, now);
  return { ...made, verified, response, ticket, reply, credentials: reply.credentials };
}

/** Messages (5) and (6), with what both sides know afterwards. */
export interface Access {
  readonly request: AccessRequest;
  readonly pending: PendingApReq;
  readonly verified: VerifiedApReq;
  /** What the service read. */
  readonly asked: Uint8Array;
  readonly response: AccessResponse;
  /** What the client read. */
  readonly answer: Uint8Array;
}

/** Sends bytes to `realm.service`, which answers with the same. */
export function access(realm: TestRealm, ticket: Credentials, userData: Uint8Array, now = NOW): Access {
  const { request, pending } = makeAccessReq(ticket, userData, now);
  const { verified, userData: asked } = verifyAccessReq(request, servicePolicy(realm), now);
  const response = makeAccessRep(verified, asked);
  return { request, pending, verified, asked, response, answer: openAccessRep(response, pending) };
}

/** Opens a serialized EncryptedData, lets `change` alter the part, and seals it again under the same key. */
export function reseal<K extends PartKind>(
  bytes: Uint8Array,
  sealing: Sealing,
  kind: K,
  change: (part: PartOf<K>) => void,
): Uint8Array {
  const part = unsealFromBytes(sealing, kind, bytes, "resealed", cannotOpen);
  change(part);
  return sealToBytes(sealing, kind, part);
}

/** An empty part of that kind. */
export function emptyPart<K extends PartKind>(kind: K): PartOf<K> {
  return create(SealedPartSchema.field[kind]!.message!) as unknown as PartOf<K>;
}

/** Opens a ticket with the service's key, lets `change` alter its sealed part, and seals it again. */
export function resealTicket(
  bytes: Uint8Array,
  service: PrincipalEntry,
  change: (part: EncTicketPart) => void,
): Uint8Array {
  const sealing = { ...longTermKeyOf(service), usage: KeyUsage.TICKET };
  return alterTicket(bytes, (ticket) => {
    const part = unseal(sealing, "encTicketPart", ticket.encPart!, cannotOpen);
    change(part);
    ticket.encPart = seal(sealing, "encTicketPart", part);
  });
}

/** Decodes a ticket, lets `change` alter what is in clear, and encodes it again. */
export function alterTicket(bytes: Uint8Array, change: (ticket: Ticket) => void): Uint8Array {
  const ticket = decodeBlob(TicketSchema, Uint8Array.from(bytes), "ticket");
  change(ticket);
  return toBinary(TicketSchema, ticket);
}

function cannotOpen(): never {
  throw new Error("a test tried to alter what it can't open");
}
