// A realm in memory for the benchmarks: client, TGS and V with keys of one encryption type.
import { krbtgtOf, parsePrincipal } from "../../dist/protocol/principal.js";
import { createMemoryRealm, FIRST_SERVICE } from "../../dist/realm/create-realm.js";
import { addRandomKeyPrincipal } from "../../dist/realm/principal-keys.js";

const REALM = "BENCH.EXAMPLE";

export const CLIENT = parsePrincipal(`alice@${REALM}`, "client");
export const SERVICE = parsePrincipal(`${FIRST_SERVICE}@${REALM}`, "service");
export const TGS = krbtgtOf(REALM);

/** A realm that permits every encryption type and makes keys of one. */
export async function makeRealm(etype) {
  const realm = await createMemoryRealm({ realm: REALM }, { keyEtypes: [etype] }, Date.now());
  await addRandomKeyPrincipal(realm, CLIENT, Date.now());
  return realm;
}
