/**
 * Makes the golden vectors of docs/guard.md: one guarded call each, with every input named and every random
 * byte listed in the order in which it was drawn. Times, keys and names are fixed, so the bytes are too.
 */
import { makeApProof, makeApRep } from "../../src/protocol/ap-rep.js";
import {
  type CallShape,
  callBinding,
  isProtected,
  makeCallApReq,
  needsSubkeys,
  PROTECTIONS,
  type Protection,
  readApReq,
} from "../../src/protocol/call-binding.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key } from "../../src/protocol/keys.js";
import { REQUESTS, RESPONSES } from "../../src/protocol/message-keys.js";
import { MessageProtector } from "../../src/protocol/message-protection.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { makeTicket } from "../../src/protocol/ticket.js";
import { boundHost } from "../../src/rpc/authority.js";
import { bytesOf, hex, recordedRandom } from "./recorded-random.js";
import { digestOf, verifyCall } from "./verify-call.js";

/** The call of a vector. */
export interface VectorCall extends CallShape {
  readonly name: string;
  readonly etype: number;
  readonly protection: Protection;
}

export const NOW = Date.parse("2026-01-02T03:04:05.678Z");
export const CLIENT = parsePrincipal("alice@EXAMPLE.TEST", "client");
export const SERVICE = parsePrincipal("orders/api.example.test@EXAMPLE.TEST", "service");
export const METHOD = "/orders.v1.OrderService/PlaceOrder";
export const AUTHORITY = "api.example.test:443";
export const REQUEST = Buffer.from("0a046c616d70", "hex");
export const RESPONSE = Buffer.from("0a0808011204", "hex");

/** The four kinds of call. */
export const KINDS: Readonly<Record<string, CallShape>> = {
  unary: { requestStream: false, responseStream: false },
  "bidirectional stream": { requestStream: true, responseStream: true },
  "server stream": { requestStream: false, responseStream: true },
  "client stream": { requestStream: true, responseStream: false },
};

/** The calls: every level for every kind of call, with DES beside AES. */
export const CALLS: readonly VectorCall[] = [20, 3].flatMap((etype) =>
  PROTECTIONS.flatMap((protection) =>
    Object.entries(KINDS).map(([kind, shape]) => ({
      name: `etype ${etype}, ${protection}, ${kind}`,
      etype,
      protection,
      ...shape,
    })),
  ),
);

/** The vector of a call: inputs, draws and bytes, all hex. */
export function makeVector(call: VectorCall) {
  const { random, draws } = recordedRandom(call.name);
  const etype = etypeOf(call.etype);
  const key = (label: string) =>
    new Key(
      etype,
      etype.generateKey((size) => bytesOf(`${call.name} ${label}`, size)),
    );
  const [serviceKey, sessionKey, clientSubkey] = [
    key("service key"),
    key("session key"),
    key("client subkey"),
  ];
  const times = { authtime: NOW - 60_000, starttime: NOW - 60_000, endtime: NOW + 36_000_000 };
  const ticket = { client: CLIENT, server: SERVICE, sessionKey, flags: [], ...times, renewTill: undefined };
  const contents = { ...ticket, addresses: [], authorizationData: [] };
  const serviceKeys = { principal: SERVICE, keys: [{ kvno: 1, key: serviceKey }] };
  const ticketBytes = makeTicket(contents, { kvno: 1, key: serviceKey }, random);
  const credentials = { ...ticket, key: sessionKey, ticket: ticketBytes };
  const { protection } = call;
  const fresh = needsSubkeys(protection, call) ? { subkey: clientSubkey, seqNumber: 0xffff_ffff } : undefined;

  const single = call.requestStream ? undefined : REQUEST;
  const protector = fresh && new MessageProtector(REQUESTS, fresh, protection);
  const requests = [
    isProtected(protection, call.requestStream) ? protector!.protect(REQUEST, random) : REQUEST,
  ];
  if (call.requestStream) requests.push(protector?.protect(REQUEST, random) ?? REQUEST);
  if (call.requestStream && protector !== undefined) requests.push(protector.end(random));
  const request = single && requests[0];
  const authority = boundHost(AUTHORITY);
  const facts = { method: METHOD, authority, protection, requestSha256: digestOf(request) };
  const { bytes: apReq } = makeCallApReq(credentials, facts, fresh, NOW, random);

  const policy = { service: serviceKeys, permittedEtypes: [call.etype], clockSkew: 300_000 };
  const verified = verifyCall(readApReq(apReq), { ...facts, ...call, request }, policy, NOW);
  const apRep = fresh ? makeApRep(verified, random) : undefined;
  const proof = apRep?.bytes ?? makeApProof(verified, random);
  const answering = apRep && new MessageProtector(RESPONSES, apRep, protection);
  const responses = [
    isProtected(protection, call.responseStream) ? answering!.protect(RESPONSE, random) : RESPONSE,
  ];
  if (call.responseStream && answering !== undefined) responses.push(answering.end(random));

  return {
    name: call.name,
    input: {
      etype: call.etype,
      protection,
      requestStream: call.requestStream,
      responseStream: call.responseStream,
      now: new Date(NOW).toISOString(),
      client: CLIENT,
      service: SERVICE,
      method: METHOD,
      authority: AUTHORITY,
      request: REQUEST.toString("hex"),
      response: RESPONSE.toString("hex"),
      serviceKey: hex(serviceKey.exportBytes()),
      sessionKey: hex(sessionKey.exportBytes()),
      clientSubkey: fresh && hex(clientSubkey.exportBytes()),
      clientSeqNumber: fresh?.seqNumber,
      serviceSubkey: apRep && hex(apRep.subkey.exportBytes()),
      serviceSeqNumber: apRep?.seqNumber,
      randomDraws: draws,
    },
    output: {
      ticket: hex(ticketBytes),
      callBinding: hex(callBinding(facts)),
      "kerberos-ap-req-bin": hex(apReq),
      "kerberos-ap-rep-bin": hex(proof),
      requests: requests.map(hex),
      responses: responses.map(hex),
    },
  };
}
