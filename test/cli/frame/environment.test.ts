/** What the environment says, and where it need not say anything. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CommandError } from "../../../src/cli/frame/command.js";
import { realmDir, userName } from "../../../src/cli/frame/environment.js";
import { defaultRealm } from "../../../src/cli/session/realm.js";

const home = () => "/home/somebody";
const noHome = () => {
  throw new Error("uv_os_homedir returned ENOENT");
};

describe("the realm's folder", () => {
  it("is the option's, the variable's, or in the user's data", () => {
    expect(realmDir({ TESSERA_REALM_DIR: "/b", HOME: "/c" }, "/a")).toBe("/a");
    expect(realmDir({ TESSERA_REALM_DIR: "/b", HOME: "/c" })).toBe("/b");
    expect(realmDir({ XDG_DATA_HOME: "/d", HOME: "/c" })).toBe("/d/tessera/realm");
    expect(realmDir({ HOME: "/c" })).toBe("/c/.local/share/tessera/realm");
    expect(realmDir({}, undefined, home)).toBe("/home/somebody/.local/share/tessera/realm");
  });

  it("needs no home where it is named: containers run as numbers without an entry in passwd", async () => {
    expect(realmDir({}, "/a", noHome)).toBe("/a");
    expect(realmDir({ TESSERA_REALM_DIR: "/b" }, undefined, noHome)).toBe("/b");
    expect(() => realmDir({}, undefined, noHome)).toThrow(
      new CommandError("this user has no home folder", "give --dir DIR, or set TESSERA_REALM_DIR"),
    );
    expect(await defaultRealm({}, noHome)).toBe("EXAMPLE.TEST");
  });
});

describe("the realm of names typed without one", () => {
  const dir = mkdtempSync(join(tmpdir(), "tessera-environment-"));
  afterAll(() => rmSync(dir, { recursive: true }));
  const env = { TESSERA_REALM_DIR: dir };

  it("is the default's where the folder holds no realm", async () => {
    expect(await defaultRealm(env)).toBe("EXAMPLE.TEST");
  });

  it("is not guessed where the folder's settings are broken: that was taken for no realm", async () => {
    writeFileSync(join(dir, "realm.json"), "{");
    await expect(defaultRealm(env)).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining(`${join(dir, "realm.json")}: not JSON`),
    });
    writeFileSync(join(dir, "realm.json"), '{"format": 99}');
    await expect(defaultRealm(env)).rejects.toMatchObject({ code: "version" });
  });
});

describe("the user's name", () => {
  it("is the system's", () => {
    expect(userName(() => ({ username: "alice" }))).toBe("alice");
  });

  it("is asked for where a user number has none", () => {
    expect(() =>
      userName(() => {
        throw new Error("uv_os_get_passwd returned ENOENT");
      }),
    ).toThrow(
      new CommandError("this user has no name on this machine", "name a principal: alice@EXAMPLE.TEST"),
    );
  });
});
