/**
 * The guarded service of the attacks: what mallory holds is good, so that it is her change that is refused.
 */
import { expect, test } from "vitest";
import { BALANCE, holdCall, passOn, startBank } from "../../../src/lab/attacks/means/bank.js";
import { startLabRealm } from "../../../src/lab/realm/lab-realm.js";

test("a held call that is passed on as it is is let in, once", async () => {
  await using realm = await startLabRealm({ scene: "standard" });
  await using bank = await startBank(realm);
  const held = await holdCall(realm, realm.users.alice, BALANCE, "my account");
  expect(await passOn(bank, held)).toBe(`${BALANCE} done for ${realm.users.alice.principal}`);
  await expect(passOn(bank, held)).rejects.toMatchObject({ reason: "KRB_AP_ERR_REPEAT" });
});
