/** `tessera-sso/testing`: a whole realm in one line, and a clock to turn. */
import type { KrbError } from "tessera-sso/client";
import { createTestRealm } from "tessera-sso/testing";

/** A ticket lasts ten hours; the refusal after that. */
export async function outliveATicket(): Promise<KrbError | undefined> {
  await using realm = await createTestRealm({ users: { alice: "apple" } });
  const client = await realm.login("alice");
  realm.advance("11h");
  return client.serviceTicket(realm.v.principal).then(
    () => undefined,
    (refusal: KrbError) => refusal,
  );
}
