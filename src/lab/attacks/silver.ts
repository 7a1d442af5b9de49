/** A silver ticket: a ticket for V made with V's stolen key. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { askWhoIAm } from "./means/access.js";
import { silverTicket } from "./means/forgery.js";

/** The row. */
export const silver: Attack = {
  name: "silver",
  title: "A silver ticket: a ticket for V made with V's stolen key",
  topic: "stolen keys",
  has: "V's keytab",
  lesson:
    "V believes what is sealed under its key, and its key is in its keytab. Whoever has a copy makes " +
    "tickets for V in anybody's name, and no KDC hears of it. Less than a golden ticket: it opens V alone. " +
    "So a keytab is a file that only V may read, each service has a key of its own, and keys are changed " +
    "(the attack silver-after-new-keys).",
  expected: everywhere("ALLOWED"),
  async run(realm, told) {
    const ticket = silverTicket(realm);
    told(`mallory seals a ticket for ${ticket.client} under V's key, and calls V: no KDC was asked`);
    return attempt("V", async () => `V takes mallory for ${await askWhoIAm(realm, ticket)}`);
  },
};
