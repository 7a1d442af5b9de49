/** A ticket and the keytab that opens it: who is its client? */
import { formatKeytab } from "../../formats/keytab.js";
import { etypeByName } from "../../protocol/etypes.js";
import { randomKey } from "../../protocol/keys.js";
import { parsePrincipal } from "../../protocol/principal.js";
import { makeTicket } from "../../protocol/ticket.js";
import type { FileChallenge } from "./challenge.js";
import { base64Lines } from "./letter.js";

const HOUR = 3_600_000;

export const whoseTicket: FileChallenge = {
  name: "whose-ticket",
  title: "Whose ticket is this?",
  level: "easy",
  points: 10,
  kind: "files",
  task:
    "ticket.b64 came in with a call to the service v/localhost. On the way nobody could read it; the " +
    "service can, for it has its keytab, v.keytab. You run the service: whose ticket is it? The second " +
    "part of that name is the flag.",
  hints: [
    "A ticket names its client inside the part that is sealed. Under whose key is it sealed?",
    "tessera decode --help: it takes a blob, and a keytab.",
    "tessera decode --keytab v.keytab ticket.b64; look at the field client.",
  ],
  lesson:
    "A ticket is sealed under the key of the service that it is for. The client carries it and can neither " +
    "read nor change it; the service learns from it, and from nothing else, who calls.",
  make: async (flag, now) => {
    const server = parsePrincipal("v/localhost@EXAMPLE.TEST", "server");
    const serviceKey = { kvno: 3, key: randomKey(etypeByName("des-cbc-md5")!) };
    const ticket = makeTicket(
      {
        client: parsePrincipal(`carol/${flag}@EXAMPLE.TEST`, "client"),
        server,
        sessionKey: randomKey(serviceKey.key.etype),
        flags: [],
        authtime: now - HOUR,
        starttime: now - HOUR,
        endtime: now + 9 * HOUR,
        renewTill: undefined,
        addresses: [],
        authorizationData: [],
      },
      serviceKey,
    );
    return {
      "ticket.b64": base64Lines(ticket),
      "v.keytab": formatKeytab([{ principal: server, timestamp: now - 24 * HOUR, ...serviceKey }]),
    };
  },
};
