// The requests of a client of ours, as the bytes that travel, and what it needs of the answers.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
} from "../../dist/gen/kerberos/v1/authentication_service_pb.js";
import { GrantTicketRequestSchema } from "../../dist/gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeAsReq, openAsRep } from "../../dist/protocol/as-exchange.js";
import { makeTgsReq } from "../../dist/protocol/tgs-exchange.js";
import { ETYPE, keyOf, userName } from "./filled-realm.mjs";

export const AS_PATH = "/kerberos.v1.AuthenticationService/Authenticate";
export const TGS_PATH = "/kerberos.v1.TicketGrantingService/GrantTicket";
const WISH = { etypes: [ETYPE] };

/** A login of user `i`: the bytes, and what opens the answer. */
export function asReq(i) {
  const key = keyOf(userName(i));
  const request = makeAsReq(userName(i), WISH, key, Date.now());
  return { bytes: Buffer.from(toBinary(AuthenticateRequestSchema, request)), request, key };
}

/** The TGT in an answer. @param bytes the message with gRPC's five bytes before it. */
export function openReply(bytes, { request, key }) {
  const response = fromBinary(AuthenticateResponseSchema, bytes.subarray(5));
  return openAsRep(response, request, key, Date.now()).credentials;
}

export function tgsReq(tgt, service) {
  return Buffer.from(toBinary(GrantTicketRequestSchema, makeTgsReq(tgt, service, WISH, Date.now()).request));
}
