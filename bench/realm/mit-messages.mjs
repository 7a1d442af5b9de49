// The requests of a client of MIT's KDC, and what it needs of the answers (RFC 4120 §5.4, §5.5).
import { randomInt } from "node:crypto";
import { etypeOf } from "../../dist/protocol/etypes.js";
import { application, context, fields, flags, integer, octets, parse, sequence, text, time } from "./der.mjs";
import { ETYPE } from "./filled-realm.mjs";

const TEN_HOURS = 36_000_000;
const PA_TGS_REQ = 1;
const PA_ENC_TIMESTAMP = 2;
const USAGE = { timestamp: 1, asReply: 3, tgsChecksum: 6, tgsAuthenticator: 7, tgsReply: 8 };
const TAG = { asReply: 0x6b, tgsReply: 0x6d };

/** `svc/host@REALM` as a PrincipalName. */
function principalName(principal) {
  const parts = principal.slice(0, principal.indexOf("@")).split("/");
  const kind = integer(parts.length === 1 ? 1 : 2);
  return sequence(context(0, kind), context(1, sequence(...parts.map(text))));
}

function requestBody({ client, server, realm, now }) {
  return sequence(
    context(0, flags(0)),
    ...(client === undefined ? [] : [context(1, principalName(client))]),
    context(2, text(realm)),
    context(3, principalName(server)),
    context(5, time(now + TEN_HOURS)),
    context(7, integer(randomInt(1, 2 ** 31))),
    context(8, sequence(integer(ETYPE))),
  );
}

function sealed(key, usage, plain) {
  return sequence(context(0, integer(ETYPE)), context(2, octets(key.encrypt(usage, plain))));
}

function padata(type, value) {
  return context(3, sequence(sequence(context(1, integer(type)), context(2, octets(value)))));
}

function request(type, pa, body) {
  return application(type, sequence(context(1, integer(5)), context(2, integer(type)), pa, context(4, body)));
}

/** AS-REQ with the encrypted timestamp of this moment. */
export function asReq(client, realm, key, now) {
  const stamp = sequence(context(0, time(now)), context(1, integer(randomInt(1_000_000))));
  const body = requestBody({ client, server: `krbtgt/${realm}@${realm}`, realm, now });
  return request(10, padata(PA_ENC_TIMESTAMP, sealed(key, USAGE.timestamp, stamp)), body);
}

/** TGS-REQ for a service. @param tgt as `openReply` gives it. */
export function tgsReq({ ticket, key, realm, name }, server, now) {
  const body = requestBody({ server, realm, now });
  const checksum = sequence(
    context(0, integer(etypeOf(ETYPE).checksumType)),
    context(1, octets(key.checksum(USAGE.tgsChecksum, body))),
  );
  const authenticator = application(
    2,
    sequence(
      context(0, integer(5)),
      context(1, text(realm)),
      context(2, name),
      context(3, checksum),
      context(4, integer(randomInt(1_000_000))),
      context(5, time(now)),
    ),
  );
  const apReq = application(
    14,
    sequence(
      context(0, integer(5)),
      context(1, integer(14)),
      context(2, flags(0)),
      context(3, ticket),
      context(4, sealed(key, USAGE.tgsAuthenticator, authenticator)),
    ),
  );
  return request(12, padata(PA_TGS_REQ, apReq), body);
}

/** Whether an answer is a ticket and not a KRB-ERROR; throws if not. */
export function checkReply(bytes) {
  if (bytes[0] === TAG.asReply || bytes[0] === TAG.tgsReply) return;
  const error = fields(parse(bytes).contents);
  throw new Error(`krb5kdc refused: error ${parse(error.get(6)).contents.toString("hex")}`);
}

/** The TGT in an AS-REP. @param key the client's. */
export function openReply(bytes, key) {
  const reply = fields(parse(bytes).contents);
  const cipher = parse(fields(reply.get(6)).get(2)).contents;
  const part = fields(parse(Buffer.from(key.decrypt(USAGE.asReply, cipher))).contents);
  const session = parse(fields(part.get(0)).get(1)).contents;
  return {
    ticket: reply.get(5),
    key: etypeOf(ETYPE).useKey(session),
    realm: parse(reply.get(3)).contents.toString("latin1"),
    name: reply.get(4),
  };
}
