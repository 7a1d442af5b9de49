/**
 * Makes the golden vectors of docs/protocol.md: for each encryption type one login, ticket and access, all
 * keys of that type, every input named, every draw of randomness named in the order in which it was drawn.
 * Times, keys and names are fixed, so the bytes are too.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import {
  AccessRequestSchema,
  AccessResponseSchema,
} from "../../src/gen/kerberos/v1/application_service_pb.js";
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { EchoRequestSchema, EchoResponseSchema } from "../../src/gen/kerberos/v1/operations_pb.js";
import { type Authenticator, SealedPartSchema, TicketSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import {
  GrantTicketRequestSchema,
  GrantTicketResponseSchema,
} from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import {
  makeAccessRep,
  makeAccessReq,
  openAccessRep,
  verifyAccessReq,
} from "../../src/protocol/access-exchange.js";
import { issueTgt, makeAsReq, openAsRep } from "../../src/protocol/as-exchange.js";
import { DEFAULT_ATTEMPT_LIMITS } from "../../src/protocol/attempt-limits.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { Key, keyFromPassword, stringToKeyOf } from "../../src/protocol/keys.js";
import type { RealmPolicy } from "../../src/protocol/policy.js";
import { krbtgtOf, parsePrincipal } from "../../src/protocol/principal.js";
import { emptyEntry, type PrincipalEntry } from "../../src/protocol/principal-entry.js";
import { issueServiceTicket, makeTgsReq, openTgsRep, verifyTgsReq } from "../../src/protocol/tgs-exchange.js";
import { bytesOf, hex, recordedRandom } from "./recorded-random.js";

/** The encryption types, strongest first. */
export const ETYPES = [20, 19, 16, 3, -2, -1] as const;

export const REALM = "EXAMPLE.TEST";
/** When all of it happens, in milliseconds since the epoch. */
export const NOW = Date.parse("2026-01-02T03:04:05.678Z");
const HOUR = 3_600_000;
/** The end that the login asks for, in milliseconds since the epoch. */
export const TILL = NOW + 8 * HOUR;
const PASSWORD = "correct horse battery staple";
const ALICE = parsePrincipal("alice@EXAMPLE.TEST", "client");
const SERVICE = parsePrincipal("v/localhost@EXAMPLE.TEST", "service");

/** The realm of a vector: principals with one key each. */
export async function vectorRealm(etype: number) {
  const row = etypeOf(etype);
  const entry = (name: typeof ALICE, kvno: number, key: Key): PrincipalEntry => ({
    ...emptyEntry(name, NOW - HOUR),
    keys: [{ kvno, key }],
  });
  const random = (label: string) =>
    new Key(
      row,
      row.generateKey((size) => bytesOf(`etype ${etype} ${label}`, size)),
    );
  const stringToKey = stringToKeyOf(ALICE, row, undefined);
  const policy: RealmPolicy = {
    realm: REALM,
    permittedEtypes: [etype],
    keyEtypes: [etype],
    maxLife: 10 * HOUR,
    maxRenewableLife: 168 * HOUR,
    clockSkew: 300_000,
    attempts: DEFAULT_ATTEMPT_LIMITS,
  };
  return {
    policy,
    stringToKey,
    alice: {
      ...entry(ALICE, 3, await keyFromPassword(row, PASSWORD, stringToKey)),
      stringToKey: new Map([[etype, stringToKey]]),
      passwordKeyed: true,
    },
    krbtgt: entry(krbtgtOf(REALM), 1, random("key of the TGS")),
    service: entry(SERVICE, 2, random("key of the service")),
  };
}

/** What V is asked, and what it answers: an echo, each a serialized google.protobuf.Any. */
const ASKED = toBinary(AnySchema, anyPack(EchoRequestSchema, create(EchoRequestSchema, { text: "hello" })));
const ANSWERED = toBinary(
  AnySchema,
  anyPack(EchoResponseSchema, create(EchoResponseSchema, { text: "hello" })),
);

/** The whole exchange, with what both sides keep of it. */
export async function runExchange(etype: number) {
  const realm = await vectorRealm(etype);
  const { policy, alice, krbtgt, service } = realm;
  const clientKey = alice.keys[0]!.key;
  const { random, draws } = recordedRandom(`etype ${etype}`);
  const named: { message: number; what: string; bytes: string }[] = [];
  /** Names what a step draws; some types draw less, as they have no confounder. */
  const step = <T>(message: number, names: readonly string[], run: () => T): T => {
    const before = draws.length;
    const result = run();
    const fitting = names.filter((what) => isDrawn(etype, what));
    const made = draws.slice(before);
    if (made.length !== fitting.length)
      throw new Error(`message ${message}: ${made.length} draws, ${fitting.length} names`);
    named.push(...fitting.map((what, i) => ({ message, what, bytes: made[i]! })));
    return result;
  };

  const asReq = step(1, ["nonce", "confounder of padata"], () =>
    makeAsReq(ALICE, { etypes: [etype], till: TILL }, clientKey, NOW, random),
  );
  const asContext = { client: { entry: alice, exists: true }, krbtgt, policy };
  const asRep = step(2, ["session key", "confounder of ticket", "confounder of enc_part"], () =>
    issueTgt(asReq, asContext, NOW, random),
  ).response;
  const tgt = openAsRep(asRep, asReq, clientKey, NOW).credentials;

  const tgsReq = step(
    3,
    ["nonce of body", "nonce of authenticator", "confounder of checksum", "confounder of authenticator"],
    () => makeTgsReq(tgt, SERVICE, { etypes: [etype] }, NOW, random),
  );
  const tgsRep = step(4, ["session key", "confounder of ticket", "confounder of enc_part"], () =>
    issueServiceTicket(
      verifyTgsReq(tgsReq.request, krbtgt, policy, NOW),
      { client: alice, service, policy },
      NOW,
      random,
    ),
  ).response;
  const ticket = openTgsRep(tgsRep, tgsReq.pending, NOW).credentials;

  const apReq = step(
    5,
    [
      "subkey",
      "sequence number",
      "confounder of request",
      "nonce of authenticator",
      "confounder of checksum",
      "confounder of authenticator",
    ],
    () => makeAccessReq(ticket, ASKED, NOW, random),
  );
  const servicePolicy = {
    service: { principal: SERVICE, keys: service.keys },
    permittedEtypes: [etype],
    clockSkew: policy.clockSkew,
  };
  const { verified } = verifyAccessReq(apReq.request, servicePolicy, NOW);
  const apRep = step(6, ["subkey", "sequence number", "confounder of ap_rep", "confounder of response"], () =>
    makeAccessRep(verified, ANSWERED, random),
  );
  openAccessRep(apRep, apReq.pending);
  return {
    ...realm,
    asContext,
    servicePolicy,
    clientKey,
    asReq,
    asRep,
    tgt,
    tgsReq,
    tgsRep,
    ticket,
    apReq,
    apRep,
    verified,
    draws: named,
  };
}

/** The ECB types have no confounder at all; only the checksum of DES_CBC_MD5 has one. */
function isDrawn(etype: number, what: string): boolean {
  if (what === "confounder of checksum") return etype === 3;
  return etype > 0 || !what.startsWith("confounder");
}

/** The key that a step drew. */
export function keyDrawn(run: Run, message: number, what: string): Key {
  const etype = run.clientKey.etype;
  const draw = run.draws.find((candidate) => candidate.message === message && candidate.what === what)!;
  return new Key(
    etype,
    etype.generateKey(() => Uint8Array.from(Buffer.from(draw.bytes, "hex"))),
  );
}

/** An exchange that was run. */
export type Run = Awaited<ReturnType<typeof runExchange>>;

/** The vector of an encryption type: bytes in hexadecimal. */
export async function makeExchangeVector(etype: number) {
  const run = await runExchange(etype);
  const { alice, krbtgt, service, stringToKey, asReq, asRep, tgsReq, tgsRep, apReq, apRep } = run;
  const keys: Record<string, Key> = {
    client: run.clientKey,
    tgs: krbtgt.keys[0]!.key,
    service: service.keys[0]!.key,
    "session of TGT": run.tgt.key,
    "session of ticket": run.ticket.key,
    "subkey of client": keyDrawn(run, 5, "subkey"),
    "subkey of service": keyDrawn(run, 6, "subkey"),
  };
  const sealed = (what: string, key: string, usage: number, { cipher }: { cipher: Uint8Array }) => ({
    what,
    key,
    usage,
    plaintext: hex(withoutPadding(keys[key]!.cipher.decrypt(usage, cipher))),
    cipher: hex(cipher),
  });
  const blob = (what: string, key: string, usage: number, bytes: Uint8Array) =>
    sealed(what, key, usage, fromBinary(EncryptedDataSchema, bytes));
  const ticket = (what: string, key: string, bytes: Uint8Array) =>
    sealed(what, key, KeyUsage.TICKET, fromBinary(TicketSchema, bytes).encPart!);
  const checksum = (what: string, key: string, usage: number, covered: Uint8Array, from: string) => {
    const { part } = fromBinary(SealedPartSchema, Buffer.from(from, "hex"));
    const made = (part.value as Authenticator).checksum!;
    return { what, key, usage, covered: hex(covered), type: made.type, checksum: hex(made.checksum) };
  };
  const seals = [
    blob("padata of 1", "client", KeyUsage.PA_ENC_TIMESTAMP, asReq.padata[0]!.value),
    ticket("ticket of 2", "tgs", asRep.ticket),
    blob("enc_part of 2", "client", KeyUsage.AS_REP, asRep.encPart),
    blob(
      "authenticator of 3",
      "session of TGT",
      KeyUsage.TGS_REQ_AUTHENTICATOR,
      tgsReq.request.authenticator,
    ),
    ticket("ticket of 4", "service", tgsRep.ticket),
    blob("enc_part of 4", "session of TGT", KeyUsage.TGS_REP_SESSION_KEY, tgsRep.encPart),
    blob(
      "authenticator of 5",
      "session of ticket",
      KeyUsage.AP_REQ_AUTHENTICATOR,
      apReq.request.authenticator,
    ),
    blob("request of 5", "subkey of client", KeyUsage.REQUEST_DATA, apReq.request.request),
    blob("ap_rep of 6", "session of ticket", KeyUsage.AP_REP, apRep.apRep),
    blob("response of 6", "subkey of service", KeyUsage.RESPONSE_DATA, apRep.response),
  ];
  const [, , , third, , , fifth] = seals;
  return {
    etype,
    name: etypeOf(etype).name,
    input: {
      now: new Date(NOW).toISOString(),
      till: new Date(TILL).toISOString(),
      client: alice.principal,
      tgs: krbtgt.principal,
      service: service.principal,
      password: PASSWORD,
      salt: stringToKey.salt,
      s2kparams: hex(stringToKey.params),
      kvno: { client: alice.keys[0]!.kvno, tgs: krbtgt.keys[0]!.kvno, service: service.keys[0]!.kvno },
      asked: hex(ASKED),
      answered: hex(ANSWERED),
    },
    draws: run.draws,
    keys: Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, hex(key.exportBytes())])),
    checksums: [
      checksum(
        "body of 3",
        "session of TGT",
        KeyUsage.TGS_REQ_CHECKSUM,
        tgsReq.request.body,
        third!.plaintext,
      ),
      checksum(
        "request of 5",
        "session of ticket",
        KeyUsage.AP_REQ_CHECKSUM,
        apReq.request.request,
        fifth!.plaintext,
      ),
    ],
    seals,
    messages: {
      "1": hex(toBinary(AuthenticateRequestSchema, asReq)),
      "2": hex(toBinary(AuthenticateResponseSchema, asRep)),
      "3": hex(toBinary(GrantTicketRequestSchema, tgsReq.request)),
      "4": hex(toBinary(GrantTicketResponseSchema, tgsRep)),
      "5": hex(toBinary(AccessRequestSchema, apReq.request)),
      "6": hex(toBinary(AccessResponseSchema, apRep)),
    },
  };
}

/** A SealedPart without the zeros that some encryption types leave behind it: one field, of this length. */
export function withoutPadding(plaintext: Uint8Array): Uint8Array {
  const reader = new BinaryReader(plaintext);
  const [number, wireType] = reader.tag();
  reader.skip(wireType, number);
  return plaintext.subarray(0, reader.pos);
}
