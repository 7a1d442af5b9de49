/**
 * Cut and paste on DES_ECB: a ticket of one's own, with one block of somebody else's.
 *
 * Mallory can write down the plaintext of her own ticket, since she was told all that is in it: so she knows
 * in which blocks it differs from alice's (`FIGURE`).
 */
import { type Attack, attempt } from "./attack.js";
import { askWhoIAm } from "./means/access.js";
import { likeAlice, ticketOfNewUser } from "./means/accomplice.js";
import { listenTo } from "./means/listening.js";
import { blocksThatDiffer, pasted } from "./means/ticket-blocks.js";

/** The first six blocks of a ticket for V, of a client of five letters. */
const FIGURE = [
  "block  alvin's ticket             alice's ticket",
  "  0    1a .. 0a 01 0a 12 15 08    the same             flags; the key begins: its type …",
  "  1    ff ff ff ff ff ff ff ff    the same             … is -1",
  "  2    ff 01 12 08 k0 k1 k2 k3    another key          the session key: mallory knows alvin's",
  "  3    k4 k5 k6 k7 1a 12  a  l    another key          the client's name: 18 letters",
  "  4     v  i  n  @  E  X  A  M     i  c  e  @  E  X  A  M   ← this block is pasted",
  "  5     P  L  E  .  T  E  S  T    the same             then the times, and V's name",
];

/** The row. */
export const cutAndPaste: Attack = {
  name: "cut-and-paste",
  title: "A block of alice's ticket, pasted into a ticket of one's own",
  topic: "unauthenticated encryption",
  has: "what travels on the wire, and an account under a name of her choice: five letters, the first two alice's",
  lesson:
    "In ECB every block is encrypted by itself: equal blocks come out equal, and nothing ties one to the " +
    "next. Whoever has two ciphertexts under one key can make a third, without the key. Mallory signs up " +
    "under a name that is as long as alice's and begins with the same two letters, so that the two " +
    "tickets differ, as far as names go, in one block. She gets a ticket for V, in which she knows the " +
    "session key; listens until alice calls V; and puts that one block of alice's ticket into her own. V " +
    "opens it with its key, finds it well formed, and takes its holder for alice. Strict decoding does " +
    "not help: there is nothing wrong with the plaintext. What helps is a check over the whole of it, " +
    "under a key: the MD5 inside DES_CBC_MD5 notices the block that does not belong, and in the profile " +
    "standard an HMAC does so before anything is decrypted. Encryption keeps secrets; it does not say who " +
    "wrote them.",
  figure: FIGURE,
  expected: {
    "textbook-ecb": "ALLOWED",
    textbook: ["KRB_AP_ERR_BAD_INTEGRITY", "V"],
    standard: ["KRB_AP_ERR_BAD_INTEGRITY", "V"],
  },
  async run(realm, told) {
    const { alice } = realm.users;
    const { heard } = await listenTo(realm, alice);
    told(`alice writes a note at V; mallory hears her ticket: ${heard.ticket.length} bytes she can't open`);
    const own = await ticketOfNewUser(realm, likeAlice());
    told(`mallory signs up as ${own.client}, logs in and gets a ticket for V`);
    const blocks = blocksThatDiffer(own, alice.principal, told);
    const forged = pasted(realm.scene, own.ticket, heard.ticket, blocks, told);
    told("mallory calls V with it, the authenticator under the session key of her own ticket");
    return attempt("V", async () => {
      const client = await askWhoIAm(realm, { ...own, client: alice.principal, ticket: forged });
      if (client !== alice.principal) throw new Error(`V took the caller for ${client}`);
      return `V takes mallory for ${client}: she reads and writes alice's notes`;
    });
  },
};
