/** Alice's login, answered by mallory. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { startFalseAs } from "./means/false-as.js";

/** The row. */
export const falseKdc: Attack = {
  name: "false-kdc",
  title: "Alice's login, answered by a false KDC",
  topic: "false servers and altered messages",
  has: "the address at which alice's computer looks for the KDC: its DNS, say",
  lesson:
    "Nothing tells alice's computer that it talks to the true KDC, and nothing needs to: the KDC proves " +
    "itself by its answer, which only somebody who knows alice's key can seal. Mallory's AS takes any " +
    "proof, but can't answer under a key that she does not have, and the client refuses what it can't " +
    "open. So both sides are authenticated, without a certificate. Mallory has the proof, though, and can " +
    "guess on it (the attack guess).",
  expected: everywhere(["KRB_AP_ERR_BAD_INTEGRITY", "C"]),
  async run(realm, told) {
    const falseAs = await startFalseAs(realm);
    try {
      const { principal, password } = realm.users.alice;
      told(`mallory's AS listens at ${falseAs.address}; alice logs in there, with her true password`);
      const client = realm.client({ kdc: { as: falseAs.address, tgs: realm.kdc.tgs } });
      return await attempt("C", async () => {
        await client.login(principal, password);
        return "alice's computer took the false KDC's answer for the true one's";
      });
    } finally {
      await falseAs.stop(0);
    }
  },
};
