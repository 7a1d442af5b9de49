import {
  chmodSync,
  existsSync,
  mkdirSync,
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
import { afterAll, describe, expect, it } from "vitest";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { openUnchecked } from "../../src/realm/open-realm.js";
import { createRealmDirectory, openRealmDirectory } from "../../src/realm/realm-directory.js";
import type { RealmSettings } from "../../src/realm/realm-settings.js";
import { loadMasterKey } from "../../src/store/master-key.js";

const root = mkdtempSync(join(tmpdir(), "tessera-realm-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const newParent = () => {
  const dir = join(root, `p${count++}`);
  mkdirSync(dir);
  return dir;
};
const SETTINGS: RealmSettings = {
  realm: "EXAMPLE.TEST",
  profile: "textbook",
  maxLife: 36_000_000,
  maxRenewableLife: 604_800_000,
  clockSkew: 300_000,
};
const ALICE = parsePrincipal("alice@EXAMPLE.TEST", "test");

describe("realm directory", () => {
  it("is made with everything 0700 and 0600, settings that people can read, and opens again", async () => {
    const dir = join(newParent(), "realm");
    const made = await createRealmDirectory(dir, SETTINGS);
    expect(await openRealmDirectory(dir)).toEqual(made);
    expect(made.settings).toEqual(SETTINGS);
    expect(readdirSync(dir).sort()).toEqual(["master.key", "notes", "principals", "realm.json", "replay"]);
    for (const name of [".", "notes", "principals", "replay"])
      expect(statSync(join(dir, name)).mode & 0o777).toBe(0o700);
    for (const name of ["master.key", "realm.json"])
      expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(join(dir, "realm.json"), "utf8"))).toEqual({
      format: 1,
      realm: "EXAMPLE.TEST",
      profile: "textbook",
      maxLife: "10h",
      maxRenewableLife: "7d",
      clockSkew: "5m",
    });
    await loadMasterKey(made.masterKeyFile);
    const { principals } = await openUnchecked(made);
    expect(await principals.get(ALICE)).toBeUndefined();
    await principals.close();
  });

  it("keeps the iterations its operator chose, within limits", async () => {
    const dir = join(newParent(), "realm");
    await createRealmDirectory(dir, { ...SETTINGS, iterations: 50_000 });
    expect((await openRealmDirectory(dir)).settings).toEqual({ ...SETTINGS, iterations: 50_000 });
    const few = createRealmDirectory(join(newParent(), "realm"), { ...SETTINGS, iterations: 32_767 });
    await expect(few).rejects.toThrow(
      new RangeError("iterations: expected a whole number from 32768 to 10000000, got 32767"),
    );
  });

  it("appears filled, and leaves nothing when filling fails", async () => {
    const parent = newParent();
    const dir = join(parent, "realm");
    const refusal = new Error("no");
    const failing = createRealmDirectory(dir, SETTINGS, async (realm) => {
      expect(existsSync(dir)).toBe(false);
      expect(existsSync(realm.masterKeyFile)).toBe(true);
      throw refusal;
    });
    await expect(failing).rejects.toBe(refusal);
    expect(readdirSync(parent)).toEqual([]);
    const filled = await createRealmDirectory(dir, SETTINGS, async (realm) => {
      const { principals } = await openUnchecked(realm);
      await principals.create({
        principal: ALICE,
        keys: [],
        stringToKey: new Map(),
        passwordKeyed: true,
        disabled: false,
        expiresAt: undefined,
        passwordExpiresAt: undefined,
        maxLife: undefined,
        maxRenewableLife: undefined,
        createdAt: 1,
        modifiedAt: 1,
        keysChangedAt: 1,
      });
      await principals.close();
    });
    const { principals } = await openUnchecked(filled);
    expect((await principals.get(ALICE))?.principal).toBe(ALICE);
    await principals.close();
    expect(readdirSync(parent)).toEqual(["realm"]);
  });

  it("takes an empty folder and refuses one that is not, a realm, a file, and a missing parent", async () => {
    const parent = newParent();
    mkdirSync(join(parent, "empty"), { mode: 0o755 });
    const made = await createRealmDirectory(join(parent, "empty"), SETTINGS);
    expect(statSync(made.dir).mode & 0o777).toBe(0o700);
    const before = readFileSync(made.masterKeyFile);
    await expect(createRealmDirectory(made.dir, SETTINGS)).rejects.toMatchObject({ code: "exists" });
    expect(readFileSync(made.masterKeyFile)).toEqual(before);
    mkdirSync(join(parent, "full"));
    writeFileSync(join(parent, "full", "x"), "");
    await expect(createRealmDirectory(join(parent, "full"), SETTINGS)).rejects.toMatchObject({
      code: "exists",
    });
    await expect(createRealmDirectory(join(parent, "full", "x"), SETTINGS)).rejects.toMatchObject({
      code: "exists",
    });
    await expect(createRealmDirectory(join(parent, "no", "r"), SETTINGS)).rejects.toMatchObject({
      code: "missing",
    });
    await expect(createRealmDirectory(join(parent, "r"), { ...SETTINGS, realm: "example" })).rejects.toThrow(
      RangeError,
    );
    await expect(createRealmDirectory(join(parent, "r"), { ...SETTINGS, clockSkew: 0 })).rejects.toThrow(
      RangeError,
    );
    expect(readdirSync(parent).sort()).toEqual(["empty", "full"]);
  });

  it("of two that make it at once one wins, and it is whole", async () => {
    const dir = join(newParent(), "realm");
    const outcomes = await Promise.allSettled([
      createRealmDirectory(dir, SETTINGS),
      createRealmDirectory(dir, SETTINGS),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await loadMasterKey((await openRealmDirectory(dir)).masterKeyFile);
  });

  it("names folder or file and key when it does not open", async () => {
    const { dir } = await createRealmDirectory(join(newParent(), "realm"), SETTINGS);
    const file = join(dir, "realm.json");
    const good = JSON.parse(readFileSync(file, "utf8"));
    const bad: [unknown, string, string][] = [
      [{ ...good, realm: "example.test" }, "corrupt", '"realm"'],
      [{ ...good, realm: 7 }, "corrupt", '"realm"'],
      [{ ...good, profile: "weak" }, "corrupt", '"profile"'],
      [{ ...good, profile: "constructor" }, "corrupt", '"profile"'],
      [{ ...good, maxLife: "10 hours" }, "corrupt", '"maxLife"'],
      [{ ...good, maxLife: 36000 }, "corrupt", '"maxLife"'],
      [{ ...good, clockSkew: "2h" }, "corrupt", '"clockSkew"'],
      [{ ...good, maxRenewableLife: undefined }, "corrupt", '"maxRenewableLife"'],
      [{ ...good, extra: 1 }, "corrupt", '"extra"'],
      [
        { ...good, iterations: 32767 },
        "corrupt",
        '"iterations": expected a whole number from 32768 to 10000000',
      ],
      [{ ...good, iterations: 10_000_001 }, "corrupt", '"iterations"'],
      [{ ...good, iterations: 40000.5 }, "corrupt", '"iterations"'],
      [{ ...good, iterations: "40000" }, "corrupt", '"iterations"'],
      [{ ...good, format: 2 }, "version", "format 2"],
      [{ ...good, format: "1" }, "corrupt", '"format"'],
      [[], "corrupt", "object"],
    ];
    for (const [contents, code, text] of bad) {
      writeFileSync(file, JSON.stringify(contents));
      const error = await openRealmDirectory(dir).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ name: "StoreError", code });
      expect((error as Error).message).toContain(file);
      expect((error as Error).message).toContain(text);
    }
    writeFileSync(file, "{");
    await expect(openRealmDirectory(dir)).rejects.toMatchObject({ code: "corrupt" });
    writeFileSync(file, JSON.stringify(good));
    chmodSync(dir, 0o750);
    await expect(openRealmDirectory(dir)).rejects.toMatchObject({
      code: "unsafe",
      message: expect.stringContaining(`chmod 700 ${dir}`),
    });
    rmSync(file);
    // No realm, and so no advice to shut it.
    await expect(openRealmDirectory(dir)).rejects.toMatchObject({ code: "missing" });
    await expect(openRealmDirectory(file)).rejects.toMatchObject({ code: "missing" });
    await expect(openRealmDirectory(join(dir, "no"))).rejects.toMatchObject({ code: "missing" });
  });

  it("opens through a symbolic link", async () => {
    const dir = join(newParent(), "realm");
    await createRealmDirectory(dir, SETTINGS);
    const link = `${dir}-link`;
    symlinkSync(dir, link);
    expect((await openRealmDirectory(link)).settings.realm).toBe(SETTINGS.realm);
  });
});
