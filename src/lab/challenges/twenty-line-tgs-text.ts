/**
 * What the learner is shown of twenty-line-tgs.ts: everything below its mark, as it runs there (a test
 * compares the two). A text of its own, for the bundle has no sources.
 */

/** The twenty lines. */
export const TWENTY_LINES = `/** Messages (3), (4): a TGT and an authenticator become a ticket. \`now\`: milliseconds since the epoch. */
export function grantTicket(request: GrantTicketRequest, realm: TgsRealm, now: number): GrantTicketResponse {
  const tgt = openTicket(request.ticket, realm.tgs, realm.etypes);
  const sealed = decodeBlob(EncryptedDataSchema, request.authenticator, "authenticator");
  const proof = { key: tgt.sessionKey, usage: KeyUsage.TGS_REQ_AUTHENTICATOR };
  const authenticator = unseal(proof, "authenticator", sealed, badIntegrity);
  checkChecksum(authenticator, tgt.sessionKey, KeyUsage.TGS_REQ_CHECKSUM, [request.body]);
  checkSkew(authenticatorTime(authenticator), now, realm.clockSkew);
  checkTicketTimes(tgt, now, realm.clockSkew);
  const body = decodeBlob(KdcReqBodySchema, request.body, "body");
  const asked = readKdcRequest(body, "body");
  const client = parsePrincipal(authenticator.client, "authenticator.client");
  const server = parsePrincipal(body.server, "body.server");
  const serviceKey = realm.serviceKey(server);
  if (!serviceKey) throw new KrbError("KDC_ERR_S_PRINCIPAL_UNKNOWN", "there is no such service");
  const etype = asked.etypes.find((wanted) => wanted === serviceKey.key.etype.etype);
  if (etype === undefined) throw new KrbError("KDC_ERR_ETYPE_NOSUPP", "no encryption type in common");
  const sessionKey = randomKey(etypeOf(etype));
  const ticket = { ...tgt, client, server, sessionKey, flags: [], starttime: now, renewTill: undefined };
  const reply = { key: tgt.sessionKey, usage: KeyUsage.TGS_REP_SESSION_KEY };
  const encPart = sealToBytes(reply, "encTgsRepPart", makeEncKdcRepPart(ticket, asked, now));
  const $typeName = "kerberos.v1.GrantTicketResponse";
  return { $typeName, ticket: makeTicket(ticket, serviceKey), encPart };
}
`;
