// CPU of each operation in process, without a socket: the cost of cryptography, encoding and checks.
import { makeAccessRep, makeAccessReq, verifyAccessReq } from "../../dist/protocol/access-exchange.js";
import { makeApReq, verifyApReq } from "../../dist/protocol/ap-exchange.js";
import { makeApRep } from "../../dist/protocol/ap-rep.js";
import { issueTgt, makeAsReq, openAsRep } from "../../dist/protocol/as-exchange.js";
import { AP_USE } from "../../dist/protocol/authenticator.js";
import {
  issueServiceTicket,
  makeTgsReq,
  openTgsRep,
  verifyTgsReq,
} from "../../dist/protocol/tgs-exchange.js";
import { makeTicket, openTicket } from "../../dist/protocol/ticket.js";
import { CLIENT, makeRealm, SERVICE, TGS } from "./realm.mjs";

/** The operations of one encryption type, ready to run repeatedly. */
export async function operations(etype) {
  const { policy, principals } = await makeRealm(etype);
  const [client, service, krbtgt] = await Promise.all(
    [CLIENT, SERVICE, TGS].map((name) => principals.get(name)),
  );
  const now = Date.now();
  const wish = { etypes: [etype] };
  const asContext = { client: { entry: client, exists: true }, krbtgt, policy };
  const asReq = makeAsReq(CLIENT, wish, client.keys[0].key, now);
  const tgtIssued = issueTgt(asReq, asContext, now);
  const tgt = openAsRep(tgtIssued.response, asReq, client.keys[0].key, now).credentials;
  const tgsReq = makeTgsReq(tgt, SERVICE, wish, now);
  const verifiedTgs = verifyTgsReq(tgsReq.request, krbtgt, policy, now);
  const context = { client, service, policy };
  const issued = issueServiceTicket(verifiedTgs, context, now);
  const credentials = openTgsRep(issued.response, tgsReq.pending, now).credentials;
  const body = new Uint8Array(64);
  const apReq = makeApReq(credentials, AP_USE, body, undefined, now);
  const keys = { principal: SERVICE, keys: service.keys };
  const apPolicy = { service: keys, permittedEtypes: policy.permittedEtypes, clockSkew: policy.clockSkew };
  const access = makeAccessReq(credentials, body, now);
  const ticket = openTicket(issued.response.ticket, keys, policy.permittedEtypes);
  return {
    "seal a ticket": () => makeTicket(issued.ticket, service.keys[0]),
    "open a ticket": () => openTicket(issued.response.ticket, keys, policy.permittedEtypes),
    "issueTgt with pre-authentication": () => issueTgt(asReq, asContext, now),
    verifyTgsReq: () => verifyTgsReq(tgsReq.request, krbtgt, policy, now),
    issueServiceTicket: () => issueServiceTicket(verifiedTgs, context, now),
    "verifyApReq + makeApRep": () => makeApRep(verifyApReq(apReq.blobs, AP_USE, body, apPolicy, now)),
    "the same, ticket seen before": () =>
      makeApRep(verifyApReq(apReq.blobs, AP_USE, body, { ...apPolicy, openTicket: () => ticket }, now)),
    "V: verifyAccessReq + makeAccessRep": () =>
      makeAccessRep(verifyAccessReq(access.request, apPolicy, now).verified, body),
  };
}
