/** What KDCs advised is remembered between logins, costs none of them anything, and weakens none. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { adviceFile, type ClientEtypes, type KeyGuess, profileEtypes } from "../../src/client/index.js";
import { EtypeInfo2Schema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import { type Principal, parsePrincipal } from "../../src/protocol/principal.js";
import { PASSWORDS, startRealm, type TestRealm, type TestRealmOptions } from "../support/realm.js";
import { standBetween } from "../support/wire-middle.js";

const ALICE = parsePrincipal("alice@TEST.EXAMPLE", "client");
const STANDARD = profileEtypes("standard");
const ALL: ClientEtypes = { permitted: [20, 19, 3], first: 20 };
const GUESS: KeyGuess = { etype: 3, stringToKey: { salt: "TEST.EXAMPLEalice", params: new Uint8Array() } };

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "advice-"));
  path = join(dir, "cc.advice");
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Logs alice in, and says what the AS answered. */
async function logIn(realm: TestRealm, etypes: ClientEtypes, kdc = realm.kdc): Promise<string[]> {
  const from = realm.log.length;
  const client = realm.client({ kdc, etypes, advice: adviceFile(path) });
  await client.login(realm.principal("alice"), PASSWORDS.alice).catch(() => {});
  return realm.log.slice(from).map(({ result }) => String(result));
}

const entries = () => JSON.parse(readFileSync(path, "utf8")).principals as Record<string, unknown>;

function write(entry: object, version = 1): void {
  const principals = { [ALICE]: { etype: 3, salt: "TEST.EXAMPLEalice", params: "", ...entry } };
  writeFileSync(path, JSON.stringify({ version, principals }), { mode: 0o600 });
}

const REALMS: { what: string; options: TestRealmOptions; etypes: ClientEtypes; entry: object }[] = [
  {
    what: "a realm of AES, for a client that begins with DES",
    options: { profile: "standard" },
    etypes: profileEtypes("textbook"),
    entry: { etype: 20, salt: "TEST.EXAMPLEalice", params: "" },
  },
  {
    what: "a realm of 100,000 iterations",
    options: { profile: "standard", policy: { iterations: 100_000 } },
    etypes: STANDARD,
    entry: { etype: 20, salt: "TEST.EXAMPLEalice", params: "000186a0" },
  },
];

describe.each(REALMS)("in $what", ({ options, etypes, entry }) => {
  test("the second login takes one round trip less", async () => {
    await using realm = await startRealm(options);
    expect(await logIn(realm, etypes)).toEqual([expect.stringContaining("PREAUTH"), "OK"]);
    expect(entries()).toEqual({ [ALICE]: entry });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await logIn(realm, etypes)).toEqual(["OK"]);
  });
});

test("a principal that moved on is remembered as it is now", async () => {
  await using realm = await startRealm();
  const textbook = profileEtypes("textbook");
  expect(await logIn(realm, textbook)).toEqual(["OK"]);
  await realm.remove("alice");
  await realm.addUser("alice", PASSWORDS.alice, [20]);
  expect(await logIn(realm, textbook)).toEqual([expect.stringContaining("PREAUTH"), "OK"]);
  expect(entries()).toMatchObject({ [ALICE]: { etype: 20 } });
  expect(await logIn(realm, textbook)).toEqual(["OK"]);
});

test("a login with a wrong clock has tries enough for a memory that is out of date", async () => {
  await using realm = await startRealm({ profile: "standard", policy: { iterations: 100_000 } });
  write({ etype: 19, params: "0000ffff" });
  const client = realm.client({ advice: adviceFile(path), clock: () => realm.now - 7_200_000 });
  await client.login(ALICE, PASSWORDS.alice);
  expect(realm.log.map(({ result }) => result)).toEqual([
    expect.stringContaining("PREAUTH"),
    "KRB_AP_ERR_SKEW",
    "OK",
  ]);
});

describe("false advice", () => {
  test.each([
    [3, ALL],
    [19, STANDARD],
  ])(
    "that hides the better keys of the KDC, and leads to a login with %i, weakens no later one",
    async (weaker, etypes) => {
      await using realm = await startRealm({ profile: weaker === 3 ? "textbook" : "standard", users: {} });
      await realm.addUser("alice", PASSWORDS.alice, [20, weaker]);
      let attacks = 1;
      await using middle = await standBetween(realm, {
        authenticate: async (request, pass) => {
          if (attacks-- > 0) {
            const info = create(EtypeInfo2Schema, {
              entries: [{ etype: weaker, salt: "TEST.EXAMPLEalice", s2kparams: new Uint8Array() }],
            });
            throw new KrbError("KDC_ERR_PREAUTH_REQUIRED", "forged", {}, info);
          }
          return pass(request);
        },
      });
      expect(await logIn(realm, etypes, middle.kdc)).toEqual(["OK"]);
      expect(entries()).toMatchObject({ [ALICE]: { etype: weaker } });
      const from = realm.log.length;
      expect(await logIn(realm, etypes)).toEqual(["OK"]);
      expect(realm.log.slice(from)).toMatchObject([{ etypes: { reply: 20 } }]);
      expect(entries()).toMatchObject({ [ALICE]: { etype: 20 } });
    },
  );

  test("that led to no login is not remembered, and what was known stays", async () => {
    await using realm = await startRealm({ profile: "standard" });
    await using middle = await standBetween(realm, {
      authenticate: (request, pass) => pass({ ...request, padata: [] }),
    });
    await logIn(realm, STANDARD, middle.kdc);
    expect(existsSync(path)).toBe(false);
    await logIn(realm, STANDARD);
    const before = readFileSync(path);
    await logIn(realm, STANDARD, middle.kdc);
    expect(readFileSync(path)).toEqual(before);
  });

  test.each([
    ["an encryption type that is not permitted now", { etype: 3 }],
    ["one that is permitted, but worse than the first guess", { etype: 19 }],
    ["one that is not supported", { etype: 18 }],
    ["too few iterations", { etype: 20, params: "00000001" }],
    ["a salt of another realm", { etype: 20, salt: "OTHER.TESTalice" }],
    ["parameters that make no key", { etype: 20, params: "0102" }],
    ["more iterations than any key takes", { etype: 20, params: "ffffffff" }],
  ])("in the file is passed over: %s", async (_, entry) => {
    await using realm = await startRealm({ profile: "standard" });
    write(entry);
    const etypes: number[][] = [];
    await using middle = await standBetween(realm, {
      authenticate: (request, pass) => {
        etypes.push([...request.etypes]);
        return pass(request);
      },
    });
    expect(await logIn(realm, STANDARD, middle.kdc)).toEqual(["OK"]);
    expect(etypes).toEqual([[20, 19]]);
    expect(entries()).toMatchObject({ [ALICE]: { etype: 20, salt: "TEST.EXAMPLEalice", params: "" } });
  });
});

describe("a file", () => {
  const recall = () => adviceFile(path).recall(ALICE);

  test("gives back what it was given, by either name", async () => {
    const guess = {
      etype: 20,
      stringToKey: { salt: "TEST.EXAMPLEé", params: Uint8Array.of(0, 1, 134, 160) },
    };
    await adviceFile(path).remember(ALICE, guess);
    const found = await adviceFile(`FILE:${path}`).recall(ALICE);
    expect(found).toMatchObject({ etype: 20, stringToKey: { salt: "TEST.EXAMPLEé" } });
    expect(Buffer.compare(found!.stringToKey.params, guess.stringToKey.params)).toBe(0);
    expect(await adviceFile(path).recall(parsePrincipal("bob@TEST.EXAMPLE", "client"))).toBeUndefined();
    expect(readdirSync(dir)).toEqual(["cc.advice"]);
    expect(() => adviceFile("KEYRING:x")).toThrow(RangeError);
  });

  test("that is missing knows nothing", async () => {
    expect(await recall()).toBeUndefined();
  });

  test.each([
    ["of a later version", JSON.stringify({ version: 2, principals: { [ALICE]: GUESS } })],
    ["of somebody else", "dear diary\n"],
    ["that is empty", ""],
    ["of another shape", JSON.stringify({ version: 1, principals: [] })],
    [
      "with an entry of another shape",
      JSON.stringify({ version: 1, principals: { [ALICE]: { etype: "3" } } }),
    ],
    ["that is too long", `{"version":1,"principals":{}}${" ".repeat(300_000)}`],
  ])("%s is left as it is", async (_, text) => {
    writeFileSync(path, text, { mode: 0o600 });
    expect(await recall()).toBeUndefined();
    await adviceFile(path).remember(ALICE, GUESS);
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("that others can read or that is a link is left as it is", async () => {
    write({});
    chmodSync(path, 0o644);
    const before = readFileSync(path);
    expect(await recall()).toBeUndefined();
    await adviceFile(path).remember(ALICE, { ...GUESS, etype: 19 });
    expect(readFileSync(path)).toEqual(before);
    rmSync(path);
    symlinkSync(join(dir, "elsewhere"), path);
    await adviceFile(path).remember(ALICE, GUESS);
    expect(existsSync(join(dir, "elsewhere"))).toBe(false);
  });

  test("in a folder that is not there costs no login", async () => {
    path = join(dir, "no", "cc.advice");
    await adviceFile(path).remember(ALICE, GUESS);
    expect(await recall()).toBeUndefined();
    await using realm = await startRealm({ profile: "standard" });
    expect(await logIn(realm, STANDARD)).toEqual(["OK"]);
  });

  test("remembers a hundred principals, those who logged in last", async () => {
    const names = Array.from({ length: 102 }, (_, at) => `u${at}@TEST.EXAMPLE` as Principal);
    for (const name of names) await adviceFile(path).remember(name, GUESS);
    expect(Object.keys(entries())).toEqual(names.slice(2));
    await adviceFile(path).remember(names[2]!, { ...GUESS, etype: 19 });
    expect(Object.keys(entries()).at(-1)).toBe(names[2]);
  });

  test("keeps no salt or parameters without end", async () => {
    await adviceFile(path).remember(ALICE, {
      etype: 3,
      stringToKey: { salt: "x".repeat(2000), params: new Uint8Array() },
    });
    await adviceFile(path).remember(ALICE, {
      etype: 3,
      stringToKey: { salt: "x", params: new Uint8Array(65) },
    });
    expect(existsSync(path)).toBe(false);
  });
});
