/**
 * The six messages, a row each: the textbook's notation, RFC 4120's name, and what is sealed in which field.
 */
import type { DescMessage } from "@bufbuild/protobuf";
import { AccessRequestSchema, AccessResponseSchema } from "../gen/kerberos/v1/application_service_pb.js";
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
} from "../gen/kerberos/v1/authentication_service_pb.js";
import {
  GrantTicketRequestSchema,
  GrantTicketResponseSchema,
} from "../gen/kerberos/v1/ticket_granting_service_pb.js";
import { KeyUsage } from "../protocol/key-usage.js";
import type { PartKind } from "../protocol/sealed-part.js";
import type { KeySymbol, Party } from "./parties.js";

/** Something sealed in a message. */
export interface SealedRow {
  /** The field, as the .proto names it. */
  readonly field: string;
  readonly symbol: string;
  /** What is sealed, in the textbook's notation. */
  readonly notation: string;
  readonly key: KeySymbol;
  readonly usage: number;
  readonly part: PartKind;
}

/** One of the six messages. */
export interface MessageRow {
  readonly number: 1 | 2 | 3 | 4 | 5 | 6;
  readonly from: Party;
  readonly to: Party;
  readonly textbook: string;
  readonly rfc: string;
  readonly schema: DescMessage;
  readonly sealed: readonly SealedRow[];
}

const TICKET_TGS: SealedRow = {
  field: "ticket",
  symbol: "Ticket_tgs",
  notation: "E(K_tgs, [K_c,tgs ‖ ID_c ‖ AD_c ‖ ID_tgs ‖ TS2 ‖ Lifetime2])",
  key: "K_tgs",
  usage: KeyUsage.TICKET,
  part: "encTicketPart",
};
const TICKET_V: SealedRow = {
  field: "ticket",
  symbol: "Ticket_v",
  notation: "E(K_v, [K_c,v ‖ ID_c ‖ AD_c ‖ ID_v ‖ TS4 ‖ Lifetime4])",
  key: "K_v",
  usage: KeyUsage.TICKET,
  part: "encTicketPart",
};

/** The messages by the path of their call: the request, and its response. */
export const DIALOGUE: Readonly<
  Record<string, { readonly request: MessageRow; readonly response: MessageRow }>
> = {
  "/kerberos.v1.AuthenticationService/Authenticate": {
    request: {
      number: 1,
      from: "C",
      to: "AS",
      textbook: "ID_c ‖ ID_tgs ‖ TS1",
      rfc: "AS-REQ",
      schema: AuthenticateRequestSchema,
      sealed: [
        {
          field: "padata",
          symbol: "pre-authentication",
          notation: "E(K_c, [TS1 ‖ nonce])",
          key: "K_c",
          usage: KeyUsage.PA_ENC_TIMESTAMP,
          part: "encTimestamp",
        },
      ],
    },
    response: {
      number: 2,
      from: "AS",
      to: "C",
      textbook: "E(K_c, [K_c,tgs ‖ ID_tgs ‖ TS2 ‖ Lifetime2]) ‖ Ticket_tgs",
      rfc: "AS-REP",
      schema: AuthenticateResponseSchema,
      sealed: [
        {
          field: "enc_part",
          symbol: "for the client",
          notation: "E(K_c, [K_c,tgs ‖ ID_tgs ‖ TS2 ‖ Lifetime2])",
          key: "K_c",
          usage: KeyUsage.AS_REP,
          part: "encAsRepPart",
        },
        TICKET_TGS,
      ],
    },
  },
  "/kerberos.v1.TicketGrantingService/GrantTicket": {
    request: {
      number: 3,
      from: "C",
      to: "TGS",
      textbook: "ID_v ‖ Ticket_tgs ‖ Authenticator_c",
      rfc: "TGS-REQ",
      schema: GrantTicketRequestSchema,
      sealed: [
        TICKET_TGS,
        {
          field: "authenticator",
          symbol: "Authenticator_c",
          notation: "E(K_c,tgs, [ID_c ‖ AD_c ‖ TS3])",
          key: "K_c,tgs",
          usage: KeyUsage.TGS_REQ_AUTHENTICATOR,
          part: "authenticator",
        },
      ],
    },
    response: {
      number: 4,
      from: "TGS",
      to: "C",
      textbook: "E(K_c,tgs, [K_c,v ‖ ID_v ‖ TS4]) ‖ Ticket_v",
      rfc: "TGS-REP",
      schema: GrantTicketResponseSchema,
      sealed: [
        {
          field: "enc_part",
          symbol: "for the client",
          notation: "E(K_c,tgs, [K_c,v ‖ ID_v ‖ TS4])",
          key: "K_c,tgs",
          usage: KeyUsage.TGS_REP_SESSION_KEY,
          part: "encTgsRepPart",
        },
        TICKET_V,
      ],
    },
  },
  "/kerberos.v1.ApplicationService/Access": {
    request: {
      number: 5,
      from: "C",
      to: "V",
      textbook: "Ticket_v ‖ Authenticator_c",
      rfc: "AP-REQ",
      schema: AccessRequestSchema,
      sealed: [
        TICKET_V,
        {
          field: "authenticator",
          symbol: "Authenticator_c",
          notation: "E(K_c,v, [ID_c ‖ AD_c ‖ TS5 ‖ Subkey_c])",
          key: "K_c,v",
          usage: KeyUsage.AP_REQ_AUTHENTICATOR,
          part: "authenticator",
        },
        {
          field: "request",
          symbol: "the request",
          notation: "E(Subkey_c, [request])",
          key: "Subkey_c",
          usage: KeyUsage.REQUEST_DATA,
          part: "encRequestPart",
        },
      ],
    },
    response: {
      number: 6,
      from: "V",
      to: "C",
      textbook: "E(K_c,v, [TS5 + 1])",
      rfc: "AP-REP",
      schema: AccessResponseSchema,
      sealed: [
        {
          field: "ap_rep",
          symbol: "proof of V",
          notation: "E(K_c,v, [TS5 ‖ nonce ‖ Subkey_v])",
          key: "K_c,v",
          usage: KeyUsage.AP_REP,
          part: "encApRepPart",
        },
        {
          field: "response",
          symbol: "the response",
          notation: "E(Subkey_v, [response])",
          key: "Subkey_v",
          usage: KeyUsage.RESPONSE_DATA,
          part: "encResponsePart",
        },
      ],
    },
  },
};

/**
 * The textbook's symbols for fields, by the messages they stand in: in clear, or in what is sealed there.
 */
export const FIELD_SYMBOLS: readonly (readonly [
  field: string,
  messages: readonly number[],
  symbol: string,
])[] = [
  ["client", [1, 2, 3, 4, 5, 6], "ID_c"],
  ["server", [1, 2, 3], "ID_tgs"],
  ["ticket.server", [2, 3], "ID_tgs"],
  ["ticket.server", [4, 5], "ID_v"],
  ["body.server", [3], "ID_v"],
  ["ticket.server", [2, 3], "ID_tgs"],
  ["ticket.server", [4, 5], "ID_v"],
  ["server", [4, 5], "ID_v"],
  ["key", [2, 3], "K_c,tgs"],
  ["key", [4, 5], "K_c,v"],
  ["patimestamp", [1], "TS1"],
  ["starttime", [2, 3], "TS2"],
  ["endtime", [2, 3], "TS2 + Lifetime2"],
  ["ctime", [3], "TS3"],
  ["starttime", [4, 5], "TS4"],
  ["endtime", [4, 5], "TS4 + Lifetime4"],
  ["ctime", [5, 6], "TS5"],
  ["subkey", [5], "Subkey_c"],
  ["subkey", [6], "Subkey_v"],
];
