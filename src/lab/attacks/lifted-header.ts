/** The proof of one guarded call, put on another. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { BALANCE, holdCall, passOn, startBank, TRANSFER } from "./means/bank.js";

/** The row. */
export const liftedHeader: Attack = {
  name: "lifted-header",
  title: "The header of one call, lifted onto another method",
  topic: "guarded calls",
  has: "the wire between alice and a guarded service, on which she can hold calls back",
  lesson:
    "A bearer token in a header is good for any call: whoever lifts it off one can put it on another. The " +
    "guard's header, kerberos-ap-req-bin, holds ticket and authenticator, and the authenticator's checksum " +
    "covers the method's full name, the host that alice called, and the bytes of her request. On another " +
    "method, or with other bytes, it proves nothing, even if the bank has never seen it before.",
  expected: everywhere(["KRB_AP_ERR_MODIFIED", "guard"]),
  async run(realm, told) {
    await using bank = await startBank(realm);
    const held = await holdCall(realm, realm.users.alice, BALANCE, "my account");
    told(`alice calls ${BALANCE}; mallory holds the call back and takes its header`);
    told(`she puts it on ${TRANSFER}, with a request of her own`);
    const request = Buffer.from("all of it, to mallory");
    return await attempt("guard", () => passOn(bank, { ...held, path: TRANSFER, request }));
  },
};
