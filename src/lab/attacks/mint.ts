/** Cut and paste with nothing but names of one's own choice: alvin and price make alice. */
import { type Attack, attempt } from "./attack.js";
import { askWhoIAm } from "./means/access.js";
import { endingAsAlice, likeAlice, ticketOfNewUser } from "./means/accomplice.js";
import { blocksThatDiffer, pasted } from "./means/ticket-blocks.js";

/** Where the names stand in the blocks. */
const FIGURE = [
  "block  alvin's ticket             price's ticket             put together",
  "  3    k4 k5 k6 k7 1a 12  a  l    .. .. .. .. 1a 12  p  r    k4 k5 k6 k7 1a 12  a  l",
  "  4     v  i  n  @  E  X  A  M     i  c  e  @  E  X  A  M     i  c  e  @  E  X  A  M",
  "  5     P  L  E  .  T  E  S  T     P  L  E  .  T  E  S  T     P  L  E  .  T  E  S  T",
];

/** The row. */
export const mint: Attack = {
  name: "mint",
  title: "A ticket of alice's, minted from two names of mallory's choice",
  topic: "unauthenticated encryption",
  has: "two accounts under names of her choice; alice need not even log in",
  lesson:
    "A KDC seals what its clients choose: their names. Under ECB that makes it a machine which encrypts " +
    "blocks to order. Mallory signs up as alvin, whose ticket has the first letters of alice's name " +
    "beside a session key that she knows, and as price, whose ticket has the rest. Put together they are " +
    "a ticket for alice, who never logged in; for a name of another length she would choose others. In " +
    "2003 the same idea ended Kerberos 4: whoever shared a key with a realm could have it encrypt chosen " +
    "names, and make tickets for anybody in it (MITKRB5-SA-2003-004). Rules for names would not help for " +
    "long; a keyed check over the whole does.",
  figure: FIGURE,
  expected: {
    "textbook-ecb": "ALLOWED",
    textbook: ["KRB_AP_ERR_BAD_INTEGRITY", "V"],
    standard: ["KRB_AP_ERR_BAD_INTEGRITY", "V"],
  },
  async run(realm, told) {
    const { principal: alice } = realm.users.alice;
    const front = await ticketOfNewUser(realm, likeAlice());
    const back = await ticketOfNewUser(realm, endingAsAlice());
    told(`mallory signs up as ${front.client} and ${back.client}, and gets a ticket for V as each`);
    const blocks = blocksThatDiffer(front, alice, told);
    const forged = pasted(realm.scene, front.ticket, back.ticket, blocks, told);
    told(`mallory calls V with it, the authenticator under the session key of ${front.client}'s ticket`);
    return attempt("V", async () => {
      const client = await askWhoIAm(realm, { ...front, client: alice, ticket: forged });
      if (client !== alice) throw new Error(`V took the caller for ${client}`);
      return `V takes mallory for ${client}, who has never logged in`;
    });
  },
};
