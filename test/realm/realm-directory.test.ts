import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { createRealmDirectory, openRealmDirectory, settingsFileOf } from "../../src/realm/realm-directory.js";
import { DEFAULT_SETTINGS, formatSettings } from "../../src/realm/realm-settings.js";
import { loadMasterKey } from "../../src/store/master-key.js";
import { folderIn, newFolder } from "./folder.js";

const SETTINGS = { ...DEFAULT_SETTINGS, profile: "standard" } as const;

/** What a refusal says. */
function refused(code: string, message: string, hint?: string) {
  return { name: "StoreError", code, message, hint };
}

/** A realm's folder that does not exist yet. */
function newDir(): string {
  return join(newFolder(), "realm");
}

describe("a realm's folder", () => {
  it("says where everything is", async () => {
    const dir = newDir();
    const made = await createRealmDirectory(dir, SETTINGS);
    expect(made).toEqual({
      dir,
      attemptsFile: join(dir, "attempts"),
      settings: SETTINGS,
      masterKeyFile: join(dir, "master.key"),
      keytabFile: join(dir, "v.keytab"),
      principals: `lmdb:${join(dir, "principals")}`,
      notes: `lmdb:${join(dir, "notes")}`,
      replayCache: `lmdb:${join(dir, "replay")}`,
    });
    expect(await openRealmDirectory(dir)).toEqual(made);
    expect([made, made.settings].map(Object.isFrozen)).toEqual([true, true]);
    expect(settingsFileOf(dir)).toBe(join(dir, "realm.json"));
  });

  it("is made with everything 0700 and 0600, readable settings, and a good master key", async () => {
    const dir = newDir();
    const made = await createRealmDirectory(dir, SETTINGS);
    expect(readdirSync(dir).sort()).toEqual(["master.key", "notes", "principals", "realm.json", "replay"]);
    for (const name of [".", "notes", "principals", "replay"])
      expect(statSync(join(dir, name)).mode & 0o777).toBe(0o700);
    for (const name of ["master.key", "realm.json"])
      expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(dir, "realm.json"), "utf8")).toBe(formatSettings(SETTINGS));
    await loadMasterKey(made.masterKeyFile);
    const other = await createRealmDirectory(newDir(), SETTINGS);
    expect(readFileSync(other.masterKeyFile)).not.toEqual(readFileSync(made.masterKeyFile));
  });

  it("may be named by a path that is not absolute, and through a symbolic link", async () => {
    const dir = newDir();
    const made = await createRealmDirectory(relative(process.cwd(), dir), SETTINGS);
    expect(made.dir).toBe(dir);
    expect((await openRealmDirectory(relative(process.cwd(), dir))).dir).toBe(dir);
    symlinkSync(dir, `${dir}-link`);
    expect((await openRealmDirectory(`${dir}-link`)).settings).toEqual(SETTINGS);
  });
});

describe("making it", () => {
  it("appears filled, and leaves nothing when filling fails", async () => {
    const parent = newFolder();
    const dir = join(parent, "realm");
    const refusal = new Error("no");
    const failing = createRealmDirectory(dir, SETTINGS, async (realm) => {
      expect(existsSync(dir)).toBe(false);
      expect(dirname(realm.dir)).toBe(parent);
      expect(readdirSync(parent)).toEqual([expect.stringMatching(/^\.realm\.[0-9a-f]{12}$/)]);
      expect(existsSync(realm.masterKeyFile)).toBe(true);
      expect(realm.settings).toEqual(SETTINGS);
      throw refusal;
    });
    await expect(failing).rejects.toBe(refusal);
    expect(readdirSync(parent)).toEqual([]);
    await createRealmDirectory(dir, SETTINGS, async (realm) => writeFileSync(realm.keytabFile, "keys"));
    expect(readFileSync(join(dir, "v.keytab"), "utf8")).toBe("keys");
    expect(readdirSync(parent)).toEqual(["realm"]);
  });

  it("takes an empty folder, and closes it to others", async () => {
    const dir = folderIn(newFolder(), "empty", 0o755);
    const made = await createRealmDirectory(dir, SETTINGS);
    expect(statSync(made.dir).mode & 0o777).toBe(0o700);
  });

  it("leaves alone what is there already", async () => {
    const parent = newFolder();
    const { dir, masterKeyFile } = await createRealmDirectory(join(parent, "realm"), SETTINGS);
    const before = readFileSync(masterKeyFile);
    await expect(createRealmDirectory(dir, SETTINGS)).rejects.toMatchObject(
      refused("exists", `${dir}: there is a realm here already`),
    );
    expect(readFileSync(masterKeyFile)).toEqual(before);
    const full = folderIn(parent, "full");
    writeFileSync(join(full, "file"), "");
    await expect(createRealmDirectory(full, SETTINGS)).rejects.toMatchObject(
      refused("exists", `${full}: is not empty; give a new or an empty folder`),
    );
    await expect(createRealmDirectory(join(full, "file"), SETTINGS)).rejects.toMatchObject({
      ...refused("exists", `${full}/file: is not a folder`),
      cause: { code: "ENOTDIR" },
    });
    expect(readdirSync(parent).sort()).toEqual(["full", "realm"]);
  });

  it("wants the folder above it, and good settings", async () => {
    const parent = newFolder();
    await expect(createRealmDirectory(join(parent, "no", "realm"), SETTINGS)).rejects.toMatchObject(
      refused("missing", `${parent}/no: does not exist; make it first`, "check the path"),
    );
    for (const bad of [{ realm: "example" }, { clockSkew: 0 }, { iterations: 1 }])
      await expect(createRealmDirectory(join(parent, "realm"), { ...SETTINGS, ...bad })).rejects.toThrow(
        RangeError,
      );
    expect(readdirSync(parent)).toEqual([]);
  });

  it.skipIf(process.platform !== "linux")("says so where the system refuses", async () => {
    // No user may make a folder there, root included.
    await expect(createRealmDirectory("/sys/realm", SETTINGS)).rejects.toMatchObject({
      name: "StoreError",
      code: "unavailable",
      message: expect.stringMatching(/^\/sys\/realm: can't be made: .*\((EPERM|EACCES|EROFS)\)$/),
      cause: expect.objectContaining({ syscall: "mkdir" }),
    });
  });

  it("of two at once one wins, and its folder is complete", async () => {
    const dir = newDir();
    const outcomes = await Promise.allSettled([
      createRealmDirectory(dir, SETTINGS),
      createRealmDirectory(dir, SETTINGS),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const { reason } = outcomes.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    expect(reason).toMatchObject({
      ...refused("exists", `${dir}: was made by somebody else in the meantime`),
      cause: { syscall: "rename" },
    });
    await loadMasterKey((await openRealmDirectory(dir)).masterKeyFile);
    expect(readdirSync(dirname(dir))).toEqual(["realm"]);
  });
});

describe("opening it", () => {
  it("names the folder where there is no realm, whoever may enter it", async () => {
    const parent = newFolder();
    const hint = "check the path, or make the realm first: tessera realm create";
    const file = join(parent, "file");
    writeFileSync(file, "");
    const open = folderIn(parent, "open", 0o755);
    for (const dir of [join(parent, "no"), file, open])
      await expect(openRealmDirectory(dir)).rejects.toMatchObject(
        refused("missing", `${dir}: there is no realm here`, hint),
      );
  });

  it.each([0o750, 0o701, 0o777, 0o720])("refuses a folder that others can enter: mode %o", async (mode) => {
    const { dir } = await createRealmDirectory(newDir(), SETTINGS);
    chmodSync(dir, mode);
    await expect(openRealmDirectory(dir)).rejects.toMatchObject(
      refused("unsafe", `${dir}: open to others (mode 0${mode.toString(8)}); run \`chmod 700 ${dir}\``),
    );
  });

  it("shows a mode in four digits, the permissions alone", async () => {
    const { dir } = await createRealmDirectory(newDir(), SETTINGS);
    chmodSync(dir, 0o1750);
    await expect(openRealmDirectory(dir)).rejects.toThrow("(mode 0750)");
  });

  it("names the file where its settings are bad or can't be read", async () => {
    const { dir } = await createRealmDirectory(newDir(), SETTINGS);
    const file = settingsFileOf(dir);
    writeFileSync(file, "{}");
    await expect(openRealmDirectory(dir)).rejects.toMatchObject(
      refused("corrupt", `${file}: "format": expected 1, got nothing`),
    );
    rmSync(file);
    mkdirSync(file);
    await expect(openRealmDirectory(dir)).rejects.toMatchObject({
      name: "StoreError",
      code: "unavailable",
      message: expect.stringMatching(`^${file}: .*EISDIR`),
      cause: expect.objectContaining({ code: "EISDIR" }),
    });
  });
});
