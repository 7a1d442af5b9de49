/** Alice's call, answered by a service that is not V. */
import { WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../client/index.js";
import { type Attack, attempt, everywhere } from "./attack.js";
import { startFalseV } from "./means/false-v.js";

/** The row. */
export const falseV: Attack = {
  name: "false-v",
  title: "Alice's call, answered by a false V",
  topic: "false servers and altered messages",
  has: "the address at which alice's computer looks for V: its DNS, say",
  lesson:
    "A service that only checks who calls may be anybody: a false file server takes what is written to it. " +
    "V proves itself in turn: it returns the authenticator's time and nonce under the session key, which " +
    "it can only have from the ticket, and the ticket opens with V's key alone. Mallory's V can't open the " +
    "ticket, so she has no session key to answer under. Nor could she read what alice asked for: it is " +
    "sealed under a subkey that lies in the authenticator.",
  expected: everywhere(["KRB_AP_ERR_MUT_FAIL", "C"]),
  async run(realm, told) {
    const server = await startFalseV(realm);
    try {
      const { principal, password } = realm.users.alice;
      const client = realm.client();
      await client.login(principal, password);
      told(
        `mallory's V listens at ${server.address}; alice calls it with a true ticket for ${realm.service}`,
      );
      const target = { principal: realm.service, address: server.address };
      const whoAmI = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
      return await attempt("C", async () => {
        await client.access(target, whoAmI, {});
        return "alice's computer took mallory's answer for V's";
      });
    } finally {
      await server.stop(0);
    }
  },
};
