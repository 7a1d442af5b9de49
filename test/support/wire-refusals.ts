/**
 * Refusals over the wire as rows of a table: what is sent, and the code, reason and details that must come
 * back; and the faults of a ticket and its authenticator that TGS and V refuse alike.
 */
import { toBinary } from "@bufbuild/protobuf";
import { type AccessRequest, AccessRequestSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import {
  type AuthenticateRequest,
  AuthenticateRequestSchema,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import type { EncryptionType } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { type Authenticator, type EncTicketPart, TicketFlag } from "../../src/gen/kerberos/v1/sealed_pb.js";
import {
  type GrantTicketRequest,
  GrantTicketRequestSchema,
} from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { isoTime, toTimestamp } from "../../src/protocol/kerberos-time.js";
import { randomKey } from "../../src/protocol/keys.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { alterTicket, reseal, resealTicket } from "./entries.js";
import type { TestRealm } from "./realm.js";
import { ACCESS, AUTHENTICATE, GRANT_TICKET, Wire, type WireReply } from "./wire.js";

export const HOUR = 3_600_000;
/** When everything happens unless a test turns the clock. */
export const NOW = Date.UTC(2026, 2, 1, 12);

/** V and the TGS by name. */
export const V = "v/localhost";
export const KRBTGT = "krbtgt/TEST.EXAMPLE";

/** The gRPC codes of refusals. */
export type Code =
  | "UNAUTHENTICATED"
  | "PERMISSION_DENIED"
  | "FAILED_PRECONDITION"
  | "NOT_FOUND"
  | "INVALID_ARGUMENT"
  | "UNAVAILABLE";

/** What is sent, and how it must be refused. */
export interface Row<Request> {
  /** Completes "is refused:". */
  readonly when: string;
  readonly code: Code;
  readonly reason: KrbErrorName;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly send: (realm: TestRealm) => Promise<Request>;
}

/** Sends bytes to a method over a new connection. */
export async function call(address: string, path: string, bytes: Uint8Array): Promise<WireReply> {
  using wire = new Wire(address);
  return await wire.call(path, bytes);
}

/** Sends message (1). */
export function authenticate(realm: TestRealm, request: AuthenticateRequest): Promise<WireReply> {
  return call(realm.kdc.as, AUTHENTICATE, toBinary(AuthenticateRequestSchema, request));
}

/** Sends message (3). */
export function grantTicket(realm: TestRealm, request: GrantTicketRequest): Promise<WireReply> {
  return call(realm.kdc.tgs, GRANT_TICKET, toBinary(GrantTicketRequestSchema, request));
}

/** Sends message (5). */
export function access(realm: TestRealm, request: AccessRequest): Promise<WireReply> {
  return call(realm.v.address, ACCESS, toBinary(AccessRequestSchema, request));
}

/** A refusal that names its field. */
export function malformed(field: string) {
  return { code: "INVALID_ARGUMENT", reason: "KRB_ERR_GENERIC", details: { field } } as const;
}

/** A refusal that names the measured offset. */
export function skew(offset: number) {
  const details = {
    offset_ms: String(offset),
    limit_ms: "300000",
    side: offset > 0 ? "client is ahead" : "client is behind",
    server_time: isoTime(NOW),
  };
  return { code: "UNAUTHENTICATED", reason: "KRB_AP_ERR_SKEW", details } as const;
}

/**
 * The faults of a ticket and its authenticator that TGS and V refuse alike.
 * @param service the service under whose key the ticket is sealed.
 * @param get a ticket of alice's for the service.
 * @param make a request with that ticket.
 */
export function proofRows<Request extends { ticket: Uint8Array; authenticator: Uint8Array }>(
  service: string,
  usage: number,
  get: (realm: TestRealm) => Promise<Credentials>,
  make: (realm: TestRealm, credentials: Credentials, at?: number) => Request,
): Row<Request>[] {
  const withTicket =
    (change: (part: EncTicketPart, realm: TestRealm) => void): Row<Request>["send"] =>
    async (realm) => {
      const credentials = await get(realm);
      const entry = await realm.entry(service);
      const ticket = resealTicket(credentials.ticket, entry, (part) => change(part, realm));
      return make(realm, { ...credentials, ticket });
    };
  const withAuthenticator =
    (change: (part: Authenticator) => void): Row<Request>["send"] =>
    async (realm) => {
      const credentials = await get(realm);
      const request = make(realm, credentials);
      const sealing = { key: credentials.key, usage };
      return { ...request, authenticator: reseal(request.authenticator, sealing, "authenticator", change) };
    };
  const server = `${service}@TEST.EXAMPLE`;
  return [
    {
      when: "the ticket's seal is broken",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "ticket", kvno: "1" },
      send: async (realm) => {
        const request = make(realm, await get(realm));
        const ticket = alterTicket(request.ticket, ({ encPart }) => {
          encPart!.cipher[20]! ^= 1;
        });
        return { ...request, ticket };
      },
    },
    {
      when: "the authenticator's seal is broken",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "authenticator" },
      send: async (realm) => {
        const request = make(realm, await get(realm));
        request.authenticator[request.authenticator.length - 1]! ^= 1;
        return request;
      },
    },
    {
      when: "the authenticator is sealed under another session key",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "authenticator" },
      send: async (realm) => make(realm, { ...(await get(realm)), key: randomKey(etypeOf(3)) }),
    },
    {
      when: "another client's name in the authenticator",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_BADMATCH",
      send: withAuthenticator((part) => {
        part.client = "bob@TEST.EXAMPLE";
      }),
    },
    {
      when: "another realm in the authenticator",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_BADMATCH",
      send: withAuthenticator((part) => {
        part.client = "alice@OTHER.EXAMPLE";
      }),
    },
    {
      when: "no checksum in the authenticator",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_INAPP_CKSUM",
      details: { expected: "8", got: "0" },
      send: withAuthenticator((part) => {
        delete part.checksum;
      }),
    },
    ...[7, 14, 19].map(
      (type): Row<Request> => ({
        when: `a checksum of type ${type}`,
        code: "UNAUTHENTICATED",
        reason: "KRB_AP_ERR_INAPP_CKSUM",
        details: { expected: "8", got: String(type) },
        send: withAuthenticator((part) => {
          part.checksum!.type = type;
        }),
      }),
    ),
    {
      when: "a checksum over something else",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_MODIFIED",
      details: { field: "checksum" },
      send: withAuthenticator((part) => {
        part.checksum!.checksum[12]! ^= 1;
      }),
    },
    {
      when: "no time in the authenticator",
      code: "INVALID_ARGUMENT",
      reason: "KRB_ERR_GENERIC",
      details: { field: "authenticator.ctime" },
      send: withAuthenticator((part) => {
        delete part.ctime;
      }),
    },
    {
      when: "a nonce of 11 bytes in the authenticator",
      code: "INVALID_ARGUMENT",
      reason: "KRB_ERR_GENERIC",
      details: { field: "authenticator.nonce" },
      send: withAuthenticator((part) => {
        part.nonce = part.nonce.subarray(0, 11);
      }),
    },
    {
      when: "the authenticator's clock is ahead",
      ...skew(300_001),
      send: async (realm) => make(realm, await get(realm), NOW + 300_001),
    },
    {
      when: "the authenticator's clock is behind",
      ...skew(-300_001),
      send: async (realm) => make(realm, await get(realm), NOW - 300_001),
    },
    {
      when: "the ticket has expired",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_TKT_EXPIRED",
      details: { endtime: isoTime(NOW + 10 * HOUR), limit_ms: "300000" },
      send: async (realm) => {
        const credentials = await get(realm);
        realm.advance(10 * HOUR + 300_001);
        return make(realm, credentials, realm.now);
      },
    },
    {
      when: "the ticket is not valid yet",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_TKT_NYV",
      details: { starttime: isoTime(NOW + 300_001), server_time: isoTime(NOW), limit_ms: "300000" },
      send: withTicket((part) => {
        part.starttime = toTimestamp(NOW + 300_001);
      }),
    },
    {
      when: "the ticket has the flag INVALID",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_TKT_NYV",
      send: withTicket((part) => {
        part.flags = [TicketFlag.INVALID];
      }),
    },
    {
      when: "the ticket has the flag UNSPECIFIED",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_MODIFIED",
      details: { field: "ticket.flags" },
      send: withTicket((part) => {
        part.flags = [TicketFlag.UNSPECIFIED, ...part.flags];
      }),
    },
    {
      when: "the ticket is for another service, in clear",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_NOT_US",
      details: { server },
      send: async (realm) => {
        const request = make(realm, await get(realm));
        const ticket = alterTicket(request.ticket, (altered) => {
          altered.server = "other/localhost@TEST.EXAMPLE";
        });
        return { ...request, ticket };
      },
    },
    {
      when: "the ticket is for another service, under seal",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_NOT_US",
      details: { server },
      send: withTicket((part) => {
        part.server = "other/localhost@TEST.EXAMPLE";
      }),
    },
    {
      when: "the ticket has an encryption type for which the service has no key",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_NOKEY",
      details: { server, etype: "20" },
      send: async (realm) => {
        const request = make(realm, await get(realm));
        const ticket = alterTicket(request.ticket, ({ encPart }) => {
          encPart!.etype = 20;
        });
        return { ...request, ticket };
      },
    },
    {
      when: "the ticket has an encryption type that does not exist",
      code: "FAILED_PRECONDITION",
      reason: "KDC_ERR_ETYPE_NOSUPP",
      details: { etype: "23" },
      send: async (realm) => {
        const request = make(realm, await get(realm));
        const ticket = alterTicket(request.ticket, ({ encPart }) => {
          encPart!.etype = 23 as EncryptionType;
        });
        return { ...request, ticket };
      },
    },
    {
      when: "the ticket has a key version that the service does not hold",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_BADKEYVER",
      details: { server, ticket_kvno: "7", held_kvno: "1" },
      send: async (realm) => {
        const request = make(realm, await get(realm));
        const ticket = alterTicket(request.ticket, ({ encPart }) => {
          encPart!.kvno = 7;
        });
        return { ...request, ticket };
      },
    },
    {
      when: "the ticket crossed a realm",
      code: "PERMISSION_DENIED",
      reason: "KDC_ERR_PATH_NOT_ACCEPTED",
      send: withTicket((part) => {
        part.transited = "OTHER.EXAMPLE";
      }),
    },
    {
      when: "the ticket is bound to another address",
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_BADADDR",
      send: withTicket((part) => {
        part.addresses = ["192.0.2.7"];
      }),
    },
    {
      when: "the ticket has authorization data of an unknown type",
      code: "PERMISSION_DENIED",
      reason: "KDC_ERR_POLICY",
      details: { rule: "authorization-data", type: "9999" },
      send: withTicket((part) => {
        part.authorizationData = [
          { $typeName: "kerberos.v1.AuthorizationData", type: 9999, data: new Uint8Array(3) },
        ];
      }),
    },
    {
      when: "the ticket has no sealed part",
      ...malformed("ticket.enc_part"),
      send: async (realm) => {
        const request = make(realm, await get(realm));
        const ticket = alterTicket(request.ticket, (altered) => {
          delete altered.encPart;
        });
        return { ...request, ticket };
      },
    },
    ...(["ticket", "authenticator"] as const).map(
      (field): Row<Request> => ({
        when: `no ${field}`,
        ...malformed(field),
        send: async (realm) => ({ ...make(realm, await get(realm)), [field]: new Uint8Array() }),
      }),
    ),
  ];
}
