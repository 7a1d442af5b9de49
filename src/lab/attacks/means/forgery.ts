/**
 * Tickets made by whoever has the key that they are sealed under: the TGS's (golden), a service's (silver).
 */
import * as grpc from "@grpc/grpc-js";
import { TicketFlag } from "../../../gen/kerberos/v1/sealed_pb.js";
import { TicketGrantingServiceClient } from "../../../gen/kerberos/v1/ticket_granting_service_grpc.js";
import type { Credentials } from "../../../protocol/credentials.js";
import { type LongTermKey, randomKey } from "../../../protocol/keys.js";
import { krbtgtOf, type Principal } from "../../../protocol/principal.js";
import { makeTgsReq, openTgsRep } from "../../../protocol/tgs-exchange.js";
import { makeTicket, type TicketContents } from "../../../protocol/ticket.js";
import type { LabRealm } from "../../realm/lab-realm.js";

/** Eight hours, in milliseconds: a life that attracts nobody's attention. */
const USUAL_LIFE = 8 * 3_600_000;

/** A TGT for alice that no AS made. `life` is in milliseconds. */
export function goldenTicket(realm: LabRealm, life = USUAL_LIFE): Credentials {
  const flags = [TicketFlag.INITIAL, TicketFlag.PRE_AUTHENT];
  return forged(realm, krbtgtOf(realm.realm), realm.keys.krbtgt, flags, life);
}

/** A ticket of alice's for V that no TGS made. */
export function silverTicket(realm: LabRealm): Credentials {
  return forged(realm, realm.service, realm.keys.service, [TicketFlag.PRE_AUTHENT], USUAL_LIFE);
}

/**
 * A ticket for V from the true TGS, in return for a TGT of whatever origin.
 * @throws KrbError as the TGS refuses.
 */
export async function exchangeAtTgs(realm: LabRealm, tgt: Credentials): Promise<Credentials> {
  const wish = { etypes: [tgt.key.etype.etype] };
  const { request, pending } = makeTgsReq(tgt, realm.service, wish, realm.now);
  using tgs = new TicketGrantingServiceClient(realm.kdc.tgs, grpc.credentials.createInsecure());
  return openTgsRep(await tgs.grantTicket(request), pending, realm.now).credentials;
}

function forged(
  realm: LabRealm,
  server: Principal,
  stolen: LongTermKey,
  flags: readonly TicketFlag[],
  life: number,
): Credentials {
  const { now } = realm;
  const contents: TicketContents = {
    client: realm.users.alice.principal,
    server,
    sessionKey: randomKey(stolen.key.etype),
    flags,
    authtime: now,
    starttime: now,
    endtime: now + life,
    renewTill: undefined,
    addresses: [],
    authorizationData: [],
  };
  return { ...contents, key: contents.sessionKey, ticket: makeTicket(contents, stolen) };
}
