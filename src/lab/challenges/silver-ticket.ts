/** A keytab that leaked: whoever has a service's key makes tickets for it, of whomever. */
import { formatKeytab } from "../../formats/keytab.js";
import type { RealmChallenge } from "./challenge.js";
import { staged, startVWithFlag } from "./stage-realm.js";
import { worldFiles } from "./world.js";

export const silverTicket: RealmChallenge = {
  name: "silver-ticket",
  title: "A silver ticket",
  level: "hard",
  points: 40,
  kind: "realm",
  scene: "textbook",
  task:
    "v.keytab was found in a public repository: the key of the service v/localhost. You have no login in " +
    "this realm, no ticket and no password. Alice has left a note named flag at V, which V shows to her " +
    "alone. Read it. realm.json says where V is.",
  hints: [
    "Who makes tickets for V, and what does it take to make one? The KDC and V share exactly one secret.",
    "bench.mjs has makeTicket, randomKey and parseKeytab. You choose the session key, and write into the " +
      "ticket whomever you like; with that session key you then make the authenticator, as the client " +
      "does.",
    "parseKeytab(bytes)[0] is { principal, kvno, key }. makeTicket({ client: alice, server: principal, " +
      "sessionKey, flags: [], authtime, starttime, endtime, renewTill: undefined, addresses: [], " +
      'authorizationData: [] }, { key, kvno }), with alice = parsePrincipal("alice@EXAMPLE.TEST"); then ' +
      "makeAccessReq({ client: alice, key: sessionKey, ticket }, packed(GetNoteRequestSchema, " +
      '{ name: "flag" }), Date.now()).',
  ],
  lesson:
    "A ticket is proof because only the KDC and the service have its key: whoever else has it is, for " +
    "that service, the KDC. The KDC never hears of such a ticket, and no password change ends it; a new " +
    "key for the service does, at once (tessera kadmin ktadd). That is so in profile standard too: " +
    "stronger encryption does not help whoever loses the key. With krbtgt's key it would be a ticket for " +
    "everything, a golden one.",
  start: (stage) =>
    staged(silverTicket, stage, async (realm, endings) => {
      const address = await startVWithFlag(realm, endings, stage.flag);
      const { kvno, key } = realm.keys.service;
      return {
        "v.keytab": formatKeytab([{ principal: realm.service, timestamp: realm.now, kvno, key }]),
        ...worldFiles(realm, address),
      };
    }),
};
