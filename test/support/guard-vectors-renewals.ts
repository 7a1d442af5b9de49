/**
 * Makes the golden vectors of renewals (docs/guard.md, "Renewals"): the first message of a stream of requests
 * that renews it, and what must be refused in its place. Keys, times and names are fixed, and random bytes
 * depend on the vector's name.
 */
import { create } from "@bufbuild/protobuf";
import { encodeCanonical } from "../../src/canonical/encode.js";
import { ApReqSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { type Extension, ExtensionSchema, ExtensionType } from "../../src/gen/kerberos/v1/extension_pb.js";
import {
  type BoundCall,
  callBinding,
  LEVELS,
  makeCallApReq,
  type Protection,
  readApReq,
} from "../../src/protocol/call-binding.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key } from "../../src/protocol/keys.js";
import { type MessageKeys, REQUESTS } from "../../src/protocol/message-keys.js";
import { MessageOpener, MessageProtector } from "../../src/protocol/message-protection.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { MacKey } from "../../src/protocol/session-keys.js";
import { makeRenewal, verifyRenewal } from "../../src/protocol/stream-renewal.js";
import { makeTicket } from "../../src/protocol/ticket.js";
import { boundHost } from "../../src/rpc/authority.js";
import { AUTHORITY, CLIENT, METHOD, NOW, SERVICE } from "./guard-vectors.js";
import { reasonOf } from "./guard-vectors-receivers.js";
import { bytesOf, hex, recordedRandom } from "./recorded-random.js";

/** A stream that is renewed. */
export interface VectorStream {
  readonly name: string;
  readonly etype: number;
  readonly under: "session" | "exchange";
  readonly protection: Protection;
}

const HOUR = 3_600_000;
const SKEW = 300_000;
/** The number of the stream's call, and the first number of an exchange's messages. */
const CALL = 2 ** 40 + 5;
const FIRST = 0xffff_ffff;

/** The streams: both kinds of keys, at every level whose messages are protected. */
export const STREAMS: readonly VectorStream[] = [20, 19].flatMap((etype) =>
  (["session", "exchange"] as const).flatMap((under) =>
    (["authenticate", "integrity", "privacy"] as const).map((protection) => ({
      name: `etype ${etype}, ${protection}, under ${under === "session" ? "a session" : "an AP exchange"}`,
      etype,
      under,
      protection,
    })),
  ),
);

/** A stream, both ends of it. */
export function endsOf({ name, etype: number, under, protection }: VectorStream) {
  const etype = etypeOf(number);
  const key = (label: string) =>
    new Key(
      etype,
      etype.generateKey((size) => bytesOf(`${name} ${label}`, size)),
    );
  const [serviceKey, sessionKey, seal] = [key("service key"), key("session key"), key("subkey")];
  const macKey = bytesOf(`${name} message c`, 32);
  const { random } = recordedRandom(name);
  const ticketFor = (changes: { client?: string; endtime?: number } = {}): Credentials => {
    const client = parsePrincipal(changes.client ?? CLIENT, "client");
    const times = { authtime: NOW - 10 * HOUR, starttime: NOW - 10 * HOUR };
    const contents = {
      client,
      server: SERVICE,
      sessionKey,
      flags: [],
      ...times,
      endtime: changes.endtime ?? NOW + 10 * HOUR,
      renewTill: undefined,
      addresses: [],
      authorizationData: [],
    };
    return {
      ...contents,
      key: sessionKey,
      ticket: makeTicket(contents, { kvno: 1, key: serviceKey }, random),
    };
  };
  const keysOf = (call: number): MessageKeys =>
    under === "session"
      ? { checksums: new MacKey(macKey.slice()), seal, call }
      : { subkey: call === CALL ? seal : key("another subkey"), seqNumber: FIRST };
  const bound: BoundCall = {
    method: METHOD,
    authority: boundHost(AUTHORITY),
    protection,
    requestSha256: undefined,
  };
  return {
    serviceKey,
    sessionKey,
    seal,
    macKey,
    random,
    ticketFor,
    bound,
    protector: (call = CALL) => new MessageProtector(REQUESTS, keysOf(call), protection),
    /** The service's end. Throws KrbError as it refuses. */
    receive: (message: Uint8Array) => {
      const opened = new MessageOpener(REQUESTS, keysOf(CALL), protection).open(message);
      if (opened.kind !== "renewal") throw new TypeError(`expected a renewal, got ${opened.kind}`);
      const policy = {
        service: { principal: SERVICE, keys: [{ kvno: 1, key: serviceKey }] },
        permittedEtypes: [number],
        clockSkew: SKEW,
      };
      const stream = {
        client: CLIENT,
        server: SERVICE,
        protection,
        method: METHOD,
        authorities: [bound.authority],
      };
      return verifyRenewal(opened, stream, policy, NOW);
    },
  };
}

/** The vector of a stream: inputs, and bytes in hexadecimal. */
export function makeRenewalVector(stream: VectorStream) {
  const { name, etype, under, protection } = stream;
  const ends = endsOf(stream);
  const { random, bound, ticketFor } = ends;
  const credentials = ticketFor();
  let place!: Uint8Array;
  let apReq!: Uint8Array;
  const message = ends.protector().renewal((where) => {
    place = where;
    apReq = makeRenewal(credentials, bound, where, NOW, random);
    return apReq;
  }, random);
  const refused = refusedOf(ends).map(([what, make]) => {
    const bytes = make();
    return { what, message: hex(bytes), reason: reasonOf(() => ends.receive(bytes)) };
  });
  return {
    name,
    input: {
      etype,
      protection,
      now: new Date(NOW).toISOString(),
      client: CLIENT,
      service: SERVICE,
      method: METHOD,
      authority: AUTHORITY,
      serviceKey: hex(ends.serviceKey.exportBytes()),
      sessionKey: hex(ends.sessionKey.exportBytes()),
      ...(under === "session"
        ? { session: { call: CALL, "message c": hex(ends.macKey), "seal c": hex(ends.seal.exportBytes()) } }
        : { exchange: { clientSubkey: hex(ends.seal.exportBytes()), clientSeqNumber: FIRST } }),
      endtime: new Date(credentials.endtime).toISOString(),
    },
    output: {
      place: hex(place),
      callBinding: hex(callBinding(bound)),
      apReq: hex(apReq),
      message: hex(message),
    },
    refused,
  };
}

type Ends = ReturnType<typeof endsOf>;

/** What renews nothing, by what is wrong with it. */
function refusedOf({ random, bound, ticketFor, protector }: Ends): (readonly [string, () => Uint8Array])[] {
  const renewal = (make: (place: Uint8Array) => Uint8Array, call?: number) =>
    protector(call).renewal(make, random);
  const by = (credentials: Credentials, call: BoundCall = bound) =>
    renewal((place) => makeRenewal(credentials, call, place, NOW, random));
  const carrying = (extensions: readonly Extension[]) =>
    renewal(() => makeCallApReq(ticketFor(), bound, { extensions }, NOW, random).bytes);
  const later = () => {
    const earlier = protector();
    earlier.protect(new Uint8Array(), random);
    let place!: Uint8Array;
    earlier.renewal((where) => {
      place = where;
      return where;
    }, random);
    return place;
  };
  const other: Protection = bound.protection === "privacy" ? "integrity" : "privacy";
  return [
    ["another client's ticket", () => by(ticketFor({ client: "bob@EXAMPLE.TEST" }))],
    ["a ticket that has ended", () => by(ticketFor({ endtime: NOW - SKEW - 1 }))],
    ["another method", () => by(ticketFor(), { ...bound, method: "/orders.v1.OrderService/Watch" })],
    ["another name of the service", () => by(ticketFor(), { ...bound, authority: "evil.example.test" })],
    ["another level", () => by(ticketFor(), { ...bound, protection: other })],
    [
      "another level than the authenticator covers",
      () =>
        renewal((place) => {
          const made = readApReq(
            makeRenewal(ticketFor(), { ...bound, protection: other }, place, NOW, random),
          );
          return encodeCanonical(
            ApReqSchema,
            create(ApReqSchema, { ...made.blobs, protection: LEVELS[bound.protection] }),
          );
        }),
    ],
    ["no place", () => carrying([])],
    [
      "the place of the next message",
      () => renewal(() => makeRenewal(ticketFor(), bound, later(), NOW, random)),
    ],
    [
      "a critical extension that nobody knows",
      () => carrying([create(ExtensionSchema, { type: 99, critical: true })]),
    ],
    [
      "a challenge",
      () =>
        carrying([
          create(ExtensionSchema, {
            type: ExtensionType.CHALLENGE,
            critical: true,
            data: new Uint8Array(48),
          }),
        ]),
    ],
    [
      "a count of its own",
      () =>
        renewal((place) => {
          const renews = create(ExtensionSchema, { type: ExtensionType.RENEWS, critical: true, data: place });
          return makeCallApReq(ticketFor(), bound, { seqNumber: 1, extensions: [renews] }, NOW, random).bytes;
        }),
    ],
    ["no AP-REQ", () => renewal(() => Uint8Array.of(1, 2, 3))],
    [
      "a renewal of another stream",
      () => renewal((place) => makeRenewal(ticketFor(), bound, place, NOW, random), CALL + 1),
    ],
    [
      "a renewal in the place of the next message",
      () => {
        const sender = protector();
        sender.protect(new Uint8Array(), random);
        return sender.renewal((place) => makeRenewal(ticketFor(), bound, place, NOW, random), random);
      },
    ],
  ];
}
