/** A TGS in twenty lines that lets one check out: to be found by reading, and shown by using it. */
import * as grpc from "@grpc/grpc-js";
import { addTicketGrantingService } from "../../gen/kerberos/v1/ticket_granting_service_grpc.js";
import { krbtgtOf } from "../../protocol/principal.js";
import { currentKeys } from "../../protocol/principal-entry.js";
import { existingPrincipal } from "../../realm/principals.js";
import type { LabRealm } from "../realm/lab-realm.js";
import type { RealmChallenge } from "./challenge.js";
import { type Ending, listening, staged, startVWithFlag } from "./stage-realm.js";
import { grantTicket, type TgsRealm } from "./twenty-line-tgs.js";
import { TWENTY_LINES } from "./twenty-line-tgs-text.js";
import { worldFiles } from "./world.js";

export const spotTheCheck: RealmChallenge = {
  name: "spot-the-check",
  title: "Spot the missing check",
  level: "hard",
  points: 50,
  kind: "realm",
  scene: "textbook",
  task:
    "Somebody wrote a TGS in twenty lines: tgs.ts. It opens what it must, checks times and checksum, and " +
    "all goes well as long as everybody is honest. One check that RFC 4120 asks for is missing. It runs " +
    "as the TGS of this realm, whose AS and V are the product's own. You are mallory, whose login is in " +
    "realm.json. Find the check, and read the note named flag that Alice has left at V, which V shows to " +
    "her alone. (Tickets here hold no addresses, and no realm but this one is involved: neither is what " +
    "is missing.)",
  hints: [
    "RFC 4120, section 3.2.3, lists what whoever receives an AP-REQ compares; the TGS does the same. " +
      "Tick off each line.",
    "Two sealed parts of the request name the client. Which of them did the KDC write, and which could " +
      "you? And which of them does tgs.ts believe?",
    "Ask with your own TGT and an authenticator that names Alice: makeTgsReq({ ...tgt, client: alice }, " +
      "server, { etypes }, Date.now()); openTgsRep gives her ticket with its session key.",
  ],
  lesson:
    "Whoever holds a session key can write anything into an authenticator. It proves something only " +
    "together with the ticket: both must name the same client, or it is KRB_AP_ERR_BADMATCH, and what is " +
    "issued names the client of the ticket. Of all names in a request only those that somebody " +
    "trustworthy sealed count.",
  start: (stage) =>
    staged(spotTheCheck, stage, async (realm, endings) => {
      const address = await startVWithFlag(realm, endings, stage.flag);
      const tgs = stage.scene === "standard" ? realm.kdc.tgs : await startTwentyLines(realm, endings);
      return { "tgs.ts": TWENTY_LINES, ...worldFiles(realm, address, realm.users.mallory, tgs) };
    }),
};

/** Serves the twenty lines on a free port of loopback, and gives its address. */
async function startTwentyLines(realm: LabRealm, endings: Ending[]): Promise<string> {
  const { permittedEtypes, clockSkew } = realm.database.policy;
  const principal = krbtgtOf(realm.realm);
  const { keys } = await existingPrincipal(realm.database, principal);
  const v = currentKeys(await existingPrincipal(realm.database, realm.service))[0]!;
  const known: TgsRealm = {
    tgs: { principal, keys },
    etypes: permittedEtypes,
    clockSkew,
    serviceKey: (wanted) => (wanted === realm.service ? v : undefined),
  };
  const server = new grpc.Server();
  addTicketGrantingService(server, {
    grantTicket: async (request) => grantTicket(request, known, realm.now),
  });
  return listening(server, endings);
}
