/** One's own ticket and somebody else's, both under DES_ECB: put together they are a third. */

import { setTimeout } from "node:timers/promises";
import type { RealmChallenge } from "./challenge.js";
import { base64Lines } from "./letter.js";
import { staged, startVWithFlag } from "./stage-realm.js";
import { worldFiles } from "./world.js";

/** As long as alice, and as far as the block in which the client begins, the same. */
const NEIGHBOUR = "alfie";

export const forgeUnderEcb: RealmChallenge = {
  name: "forge-under-ecb",
  title: "Forge a ticket under ECB",
  level: "hard",
  points: 50,
  kind: "realm",
  scene: "textbook-ecb",
  task:
    `All keys of this realm are of DES_ECB. You signed up as ${NEIGHBOUR}, a name that you chose with ` +
    "care; your login is in realm.json. alice-ticket.b64 is a ticket of Alice's for V, recorded on the " +
    "way: of no use by itself, for you lack its session key. She has left a note named flag at V, which " +
    "V shows to her alone. Read it.",
  hints: [
    "Get a ticket for V of your own and lay both ciphertexts side by side, in blocks of eight bytes. " +
      "Which are equal, and what is in the others? In a ticket the session key comes before the client, " +
      "and times and the service after it (proto/kerberos/v1/sealed.proto).",
    "Under ECB nothing ties a block to its neighbours. In which block does the session key end? Up to " +
      "there you want your own blocks, from there on Alice's: what stands in that block besides the end " +
      "of the key, and why is it the same in both?",
    "The first four blocks from your ticket, the rest from Alice's. Your session key fits the result: " +
      "use it as { client: alice, key, ticket } in makeAccessReq. If V can't open it, the tickets were " +
      "not of the same length, for a time may take a byte more or less: log in again and take another of " +
      "yours.",
  ],
  lesson:
    "Encryption is not integrity. Under ECB a ciphertext is a row of blocks that can be put together " +
    "anew: a key I know, a name that is not mine. DES_CBC_MD5 seals a checksum of the whole with a " +
    "random confounder in front, and AES with an HMAC: one block that is not the KDC's, and V answers " +
    "KRB_AP_ERR_BAD_INTEGRITY.",
  start: (stage) =>
    staged(forgeUnderEcb, stage, async (realm, endings) => {
      const { alice } = realm.users;
      const you = await realm.addUser(NEIGHBOUR);
      const address = await startVWithFlag(realm, endings, stage.flag);
      // From 269 ms on a time takes a byte more: so most of the learner's tickets are as long as this one.
      await setTimeout(300 - Math.min(300, realm.now % 1000));
      const client = realm.client();
      await client.login(alice.principal, alice.password);
      const { ticket } = await client.serviceTicket(realm.service);
      return {
        "alice-ticket.b64": base64Lines(ticket),
        ...worldFiles(realm, address, you),
      };
    }),
};
