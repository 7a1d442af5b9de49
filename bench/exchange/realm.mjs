// A realm's parts for the benchmarks: principals with keys of one encryption type, in memory.
import { randomBytes } from "node:crypto";
import { randomKeyPrincipal } from "../../dist/protocol/new-principal.js";
import { krbtgtOf, parsePrincipal } from "../../dist/protocol/principal.js";
import { MasterKey } from "../../dist/store/master-key.js";
import { openMemoryStore } from "../../dist/store/memory-store.js";
import { PrincipalStore } from "../../dist/store/principal-store.js";

const REALM = "BENCH.EXAMPLE";
const HOUR = 3_600_000;

export const CLIENT = parsePrincipal(`alice@${REALM}`, "client");
export const SERVICE = parsePrincipal(`v/localhost@${REALM}`, "service");
export const TGS = krbtgtOf(REALM);

/** The policy of a realm that permits every type and makes keys of one. */
export function policyFor(etype) {
  return {
    realm: REALM,
    permittedEtypes: [20, 19, 16, 3, -2, -1],
    keyEtypes: [etype],
    maxLife: 10 * HOUR,
    maxRenewableLife: 168 * HOUR,
    clockSkew: 300_000,
  };
}

/** A database of client, TGS and service. */
export async function makePrincipals(etype) {
  const principals = new PrincipalStore(openMemoryStore(), new MasterKey(randomBytes(32)));
  for (const name of [CLIENT, SERVICE, TGS])
    await principals.create(randomKeyPrincipal(name, [etype], Date.now()));
  return principals;
}
