/**
 * What the client overwrites when it has used it: SECURITY.md, "Memory". The guard's half is tested beside
 * its calls.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileCache } from "../../src/client/file-credential-cache.js";
import { readKeytab } from "../../src/client/keytab.js";
import { keysAtHand, type LoginParts, obtainTgt } from "../../src/client/login.js";
import { formatKeytab } from "../../src/formats/keytab.js";
import type {
  AuthenticateRequest,
  AuthenticateResponse,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { issueTgt } from "../../src/protocol/as-exchange.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key, randomKey } from "../../src/protocol/keys.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import { asContext, keyOf, login, makeRealm, NOW } from "../support/entries.js";
import { type Contents, wipedBy } from "../support/wiped.js";

const realm = makeRealm(20);

const same = (contents: Contents, bytes: Uint8Array) => Buffer.compare(Buffer.from(contents), bytes) === 0;
const times = (wiped: readonly Contents[], bytes: Uint8Array) =>
  wiped.filter((contents) => same(contents, bytes)).length;
const isWiped = (key: Key) => key.exportBytes().every((byte) => byte === 0);

describe("the long-term key of a login is wiped after each try", () => {
  /** A login whose KDC answers so, with every key that was made for it. */
  function loggingIn(authenticate: (request: AuthenticateRequest) => Promise<AuthenticateResponse>) {
    const made: Key[] = [];
    const parts: LoginParts = {
      authenticate: (attempt) => attempt(authenticate),
      keyMakers: [
        async ({ etype }) => {
          const { etype: row } = keyOf(realm.alice);
          expect(etype).toBe(row.etype);
          const key = new Key(row, keyOf(realm.alice).exportBytes());
          made.push(key);
          return key;
        },
      ],
      wish: () => ({ etypes: realm.etypes }),
      etypes: { permitted: [20], first: 20 },
      timeoutMs: 10_000,
      clock: () => NOW,
    };
    return { made, run: () => obtainTgt(realm.alice.principal, parts) };
  }

  test("that succeeds", async () => {
    const { made, run } = loggingIn(async (request) => issueTgt(request, asContext(realm), NOW).response);
    const { credentials } = await run();
    expect(made.map(isWiped)).toEqual([true]);
    expect(isWiped(credentials.key)).toBe(false);
  });

  test("that is refused, and that is made anew", async () => {
    let tries = 0;
    const { made, run } = loggingIn(async () => {
      tries += 1;
      // The first refusal says what the client's clock is wrong by, and is worth another try.
      if (tries === 1) throw new KrbError("KRB_AP_ERR_SKEW", "apart", { offset_ms: "3600000" });
      throw new KrbError("KDC_ERR_PREAUTH_FAILED", "no");
    });
    await expect(run()).rejects.toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
    expect(tries).toBe(2);
    expect(made.map(isWiped)).toEqual([true, true]);
  });

  test("whose request never came through", async () => {
    const { made, run } = loggingIn(() => Promise.reject(new Error("no route to host")));
    await expect(run()).rejects.toThrow("no route to host");
    expect(made.map(isWiped)).toEqual([true]);
  });
});

test("keys at hand are used as copies: the caller's own stay", async () => {
  const own = randomKey(etypeOf(20));
  const {
    keyMakers: [copyOf],
    etypes,
  } = keysAtHand([own], { permitted: [20], first: 20 });
  const copy = await copyOf({ etype: etypes.first, stringToKey: { salt: "", params: new Uint8Array() } });
  expect(copy.exportBytes()).toEqual(own.exportBytes());
  copy.wipe();
  expect(isWiped(own)).toBe(false);
});

describe("the bytes of a file with keys are wiped", () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "wiping-"));
    path = join(dir, "file");
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const kept = () => {
    const { credentials } = login(realm);
    return { client: credentials.client, kdcOffset: 0, credentials: [credentials] };
  };

  test("when a credential cache was written", async () => {
    const wiped = await wipedBy(() => fileCache(path).store(kept()));
    expect(times(wiped, readFileSync(path))).toBe(1);
  });

  test("when a credential cache was read: as it was read, and as it was handed over", async () => {
    await fileCache(path).store(kept());
    const bytes = readFileSync(path);
    const wiped = await wipedBy(() => fileCache(path).load());
    expect(times(wiped, bytes)).toBe(2);
  });

  test("when it was read for nothing", async () => {
    const bytes = Buffer.from("no credential cache");
    writeFileSync(path, bytes, { mode: 0o600 });
    const wiped = await wipedBy(() =>
      expect(fileCache(path).load()).rejects.toThrow(/not a credential cache/),
    );
    expect(times(wiped, bytes)).toBe(2);
  });

  test("when a keytab was read", async () => {
    const { principal } = realm.service;
    const bytes = formatKeytab([{ principal, kvno: 1, timestamp: NOW, key: keyOf(realm.service) }]);
    writeFileSync(path, bytes, { mode: 0o600 });
    const wiped = await wipedBy(() => readKeytab(path));
    expect(times(wiped, bytes)).toBe(2);
  });
});
