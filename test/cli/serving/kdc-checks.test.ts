/**
 * Every KDC of a realm looked at by itself: two that serve the same principals, each by a clock of its own.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkKdcs, type KdcChecks } from "../../../src/cli/serving/kdc-checks.js";
import { profileEtypes } from "../../../src/client/client-etypes.js";
import { formatKeytab } from "../../../src/formats/keytab.js";
import { createMemoryRealm } from "../../../src/realm/create-realm.js";
import { addRandomKeyPrincipal } from "../../../src/realm/principal-keys.js";
import type { Realm } from "../../../src/realm/realm.js";
import { type RunningRealm, runRealm } from "../../../src/services/run-realm.js";
import { HAS_OPENSSL, makeCertificate } from "../../support/wire-tls.js";

const NOON = Date.UTC(2026, 2, 1, 12);

let dir: string;
let realm: Realm;
const running: RunningRealm[] = [];
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "kdc-checks-"));
  realm = await createMemoryRealm({ realm: "EXAMPLE.TEST", profile: "standard" }, {}, NOON);
  const { principal, keys } = await addRandomKeyPrincipal(realm, "probe/kdc", NOON);
  const entries = keys.map(({ kvno, key }) => ({ principal, kvno, key, timestamp: NOON }));
  writeFileSync(join(dir, "probe.keytab"), formatKeytab(entries), { mode: 0o600 });
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop(0);
  await realm.close();
  rmSync(dir, { recursive: true });
});

/** Another KDC of the realm, whose clock is off by so much. */
async function kdc(offset = 0, credentials?: grpc.ServerCredentials) {
  const one = await runRealm({ realm, ports: { as: 0, tgs: 0 }, clock: () => NOON + offset, credentials });
  running.push(one);
  return { as: one.address("as"), tgs: one.address("tgs") };
}

const checks = (more: Partial<KdcChecks>) =>
  checkKdcs({
    kdcs: [],
    credentials: grpc.credentials.createInsecure(),
    withTls: false,
    keytab: join(dir, "probe.keytab"),
    etypes: profileEtypes("standard"),
    clockSkew: 300_000,
    now: () => NOON,
    ...more,
  });

const states = (found: readonly { check: string; state: string }[]) =>
  found.map(({ check, state }) => `${check} ${state}`);

describe("the KDCs of a realm", () => {
  it("are each logged in at, and their clocks compared", async () => {
    const kdcs = [await kdc(), await kdc(2_000)];
    const found = await checks({ kdcs });
    expect(states(found)).toEqual(["login ok", "login ok", "clocks ok"]);
    expect(found[0]!.text).toMatch(
      /^probe\/kdc@EXAMPLE\.TEST at 127\.0\.0\.1:\d+, ticket from 127\.0\.0\.1:\d+: \d+ ms$/,
    );
    expect(found[2]!.text).toMatch(/ \+0 ms, .* \+\d+ ms against ours: \d+ ms apart, limit 5m$/);
  });

  it.each([
    ["minutes apart", 120_000, "clocks note", /\+120\d\d\d ms against ours/],
    ["an hour apart", -3_600_000, "clocks bad", /-3\d{6} ms against ours: 3\d{6} ms apart, limit 5m/],
  ])("that are %s are told of", async (_, offset, state, text) => {
    const found = await checks({ kdcs: [await kdc(), await kdc(offset)] });
    expect(states(found)).toContain(state);
    const clocks = found.find(({ check }) => check === "clocks")!;
    expect(clocks.text).toMatch(text);
    expect(clocks.hint).toMatch(/NTP/);
  });

  it("that are away are told of, and the others all the same", async () => {
    const gone = await kdc();
    await running.pop()!.stop(0);
    const found = await checks({ kdcs: [gone, await kdc()] });
    expect(states(found)).toEqual(["login bad", "login ok", "clocks ok"]);
    expect(found[0]!.text).toContain(`login at ${gone.as}: `);
  });

  it("refuse, and it is said at which step", async () => {
    await realm.principals.change("probe/kdc@EXAMPLE.TEST" as never, (entry) => ({
      ...entry,
      disabled: true,
    }));
    expect(await checks({ kdcs: [await kdc()] })).toMatchObject([
      { state: "bad", text: expect.stringMatching(/^login at .*KDC_ERR_CLIENT_REVOKED/) },
    ]);
  });

  it("can't be logged in at without a keytab, or with one that is none", async () => {
    const kdcs = [await kdc()];
    expect(states(await checks({ kdcs, keytab: undefined }))).toEqual(["logins note"]);
    writeFileSync(join(dir, "probe.keytab"), "no keytab");
    expect(states(await checks({ kdcs }))).toEqual(["logins bad"]);
  });

  it.skipIf(!HAS_OPENSSL)("show certificates, whose ends are told of", async () => {
    const [key, certificate] = [join(dir, "tls.key"), join(dir, "tls.pem")];
    makeCertificate(key, certificate);
    const ca = readFileSync(certificate);
    const pair = { private_key: readFileSync(key), cert_chain: ca };
    const { as } = await kdc(0, grpc.ServerCredentials.createSsl(null, [pair]));
    const at = (now: number) =>
      checks({ kdcs: [{ as, tgs: as }], withTls: true, keytab: undefined, now: () => now });
    const of = async (now: number) => (await at(now)).find(({ check }) => check === "certificate")!;
    const day = 86_400_000;
    expect(await of(Date.now())).toMatchObject({
      state: "bad",
      text: expect.stringMatching(/: 4[78] hours left, /),
    });
    expect(await of(Date.now() - 6 * day)).toMatchObject({
      state: "note",
      text: expect.stringMatching(/: [78] days left, /),
    });
    expect(await of(Date.now() - 30 * day)).toMatchObject({ state: "ok", hint: undefined });
    expect(await of(Date.now() + 3 * day)).toMatchObject({
      state: "bad",
      text: expect.stringContaining(": ended, "),
    });
  });
});
