/**
 * A password typed in another normal form (RFC 8265, OpaqueString): macOS decomposes what other keyboards
 * compose. Keys made by older versions from the text as it was typed must open too.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import { profileEtypes } from "../../src/client/client-etypes.js";
import { KerberosClient } from "../../src/client/kerberos-client.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { keyFromPassword } from "../../src/protocol/keys.js";
import { emptyEntry, type PrincipalEntry } from "../../src/protocol/principal-entry.js";
import { createMemoryRealm } from "../../src/realm/create-realm.js";
import { addPasswordPrincipal, changePassword } from "../../src/realm/principal-keys.js";
import { localPrincipal } from "../../src/realm/principals.js";
import type { Realm } from "../../src/realm/realm.js";
import type { LogRecord } from "../../src/services/exchange-log.js";
import { runRealm } from "../../src/services/run-realm.js";

const NOW = Date.UTC(2026, 2, 1, 12);
const COMPOSED = "caf\u00e9";
const DECOMPOSED = "cafe\u0301";

async function world(profile: "standard" | "textbook" = "standard") {
  const realm = await createMemoryRealm({ profile }, {}, NOW);
  const log: LogRecord[] = [];
  const running = await runRealm({
    realm,
    ports: { as: 0, tgs: 0 },
    clock: () => NOW,
    log: (record) => void log.push(record),
  });
  onTestFinished(() => running.stop(0));
  const client = new KerberosClient({
    kdc: { as: running.address("as"), tgs: running.address("tgs") },
    clock: () => NOW,
    etypes: profileEtypes(profile),
  });
  onTestFinished(() => client.close());
  return { realm, client, results: () => log.splice(0).map(({ result }) => result) };
}

/** An entry as an older version wrote it: its keys made from the text as it was typed. */
async function oldEntry(
  realm: Realm,
  name: string,
  password: string,
  etype: number,
): Promise<PrincipalEntry> {
  const principal = localPrincipal(realm, name);
  const made = { salt: `EXAMPLE.TEST${name}`, params: new Uint8Array() };
  const key = await keyFromPassword(etypeOf(etype), password, made);
  return {
    ...emptyEntry(principal, NOW),
    keys: [{ kvno: 1, key }],
    stringToKey: new Map([[etype, made]]),
    passwordKeyed: true,
  };
}

describe("a password of the realm", () => {
  test.each([
    [COMPOSED, COMPOSED, ["OK"]],
    [COMPOSED, DECOMPOSED, ["OK"]],
    [DECOMPOSED, COMPOSED, ["OK"]],
    [DECOMPOSED, DECOMPOSED, ["OK"]],
    ["two words", "two\u00a0words", ["OK"]],
  ])("given as %j logs in as %j, in one request", async (given, typed, expected) => {
    const { realm, client, results } = await world();
    await addPasswordPrincipal(realm, "alice", given, NOW);
    await client.login("alice@EXAMPLE.TEST", typed);
    expect(results()).toEqual(expected);
  });

  test("changed with cpw logs in in either form", async () => {
    const { realm, client } = await world();
    await addPasswordPrincipal(realm, "alice", "before", NOW);
    await changePassword(realm, "alice", DECOMPOSED, [], NOW);
    for (const typed of [COMPOSED, DECOMPOSED])
      expect((await client.login("alice@EXAMPLE.TEST", typed)).client).toBe("alice@EXAMPLE.TEST");
  });

  test("with a control character is refused for a new key", async () => {
    const { realm } = await world();
    const refused = { reason: "KRB_ERR_GENERIC", details: { character: "U+0007" } };
    await expect(addPasswordPrincipal(realm, "alice", "a\u0007", NOW)).rejects.toMatchObject(refused);
    await addPasswordPrincipal(realm, "alice", "fine", NOW);
    await expect(changePassword(realm, "alice", "a\u0007", [], NOW)).rejects.toMatchObject(refused);
  });
});

describe("a key that an older version made", () => {
  test.each([
    ["decomposed text", DECOMPOSED],
    ["text with a space of another kind", "two\u00a0words"],
    ["text that no new password may have, decomposed", `${DECOMPOSED}\u0007`],
  ])("from %s opens, with one request more, under the same encryption type", async (_, text) => {
    const { realm, client, results } = await world();
    await realm.principals.create(await oldEntry(realm, "alice", text, 20));
    const tgt = await client.login("alice@EXAMPLE.TEST", text);
    expect(tgt.client).toBe("alice@EXAMPLE.TEST");
    expect(results()).toEqual(["KDC_ERR_PREAUTH_FAILED", "OK"]);
  });

  test("from text with a control character opens at once", async () => {
    const { realm, client, results } = await world();
    await realm.principals.create(await oldEntry(realm, "alice", "bell\u0007", 20));
    await client.login("alice@EXAMPLE.TEST", "bell\u0007");
    expect(results()).toEqual(["OK"]);
  });

  test("of another encryption type than the guess: the advice first, then the other form", async () => {
    const { realm, client, results } = await world("textbook");
    await realm.principals.create(await oldEntry(realm, "alice", DECOMPOSED, 19));
    await client.login("alice@EXAMPLE.TEST", DECOMPOSED);
    expect(results()).toEqual(["KDC_ERR_PREAUTH_REQUIRED", "KDC_ERR_PREAUTH_FAILED", "OK"]);
  });

  test("keeps its logins where cpw gives the same password again, then in normal form", async () => {
    const { realm, client, results } = await world();
    const old = { ...(await oldEntry(realm, "alice", DECOMPOSED, 20)), tgtsFrom: NOW };
    await realm.principals.create(old);
    const changed = await changePassword(realm, "alice", DECOMPOSED, [], NOW + 60_000);
    expect(changed.tgtsFrom).toBe(NOW);
    await client.login("alice@EXAMPLE.TEST", DECOMPOSED);
    expect(results()).toEqual(["OK"]);
  });
});

describe("a wrong password", () => {
  test.each([
    ["wrong", ["KDC_ERR_PREAUTH_FAILED"]],
    ["wrong e\u0301", ["KDC_ERR_PREAUTH_FAILED", "KDC_ERR_PREAUTH_FAILED"]],
  ])("%j is refused after as many requests as it has forms", async (typed, expected) => {
    const { realm, client, results } = await world();
    await addPasswordPrincipal(realm, "alice", COMPOSED, NOW);
    await expect(client.login("alice@EXAMPLE.TEST", typed)).rejects.toMatchObject({
      reason: "KDC_ERR_PREAUTH_FAILED",
    });
    expect(results()).toEqual(expected);
  });
});
