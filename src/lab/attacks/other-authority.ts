/** A man in the middle, whom alice calls by a name of his. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { holdCall, passOn, startBank, TRANSFER } from "./means/bank.js";

const MALLORYS = "bank.mallory.example";

/** The row. */
export const otherAuthority: Attack = {
  name: "other-authority",
  title: "A relay: alice calls mallory's host, mallory calls the bank",
  topic: "guarded calls",
  has: "a host that alice can be made to call, with a ticket for the bank",
  lesson:
    "Tickets bind names of principals, not connections. If alice can be made to call mallory's host with a " +
    "ticket for the bank, mallory can pass the call on as it is, in time and only once, and no replay " +
    "cache will object: a relay (KrbRelay did this to Windows). So the authenticator also covers the host " +
    "that alice believed she called, its :authority. The bank knows its own names; a proof made for " +
    "bank.mallory.example fits none.",
  expected: everywhere(["KRB_AP_ERR_MODIFIED", "guard"]),
  async run(realm, told) {
    await using bank = await startBank(realm);
    const held = await holdCall(realm, realm.users.alice, TRANSFER, "ten, to bob", MALLORYS);
    told(`alice calls ${TRANSFER} at ${MALLORYS}, which is mallory's, with a ticket for ${realm.service}`);
    told(`mallory passes the call on to ${bank.address}, nothing changed`);
    return await attempt("guard", () => passOn(bank, held));
  },
};
