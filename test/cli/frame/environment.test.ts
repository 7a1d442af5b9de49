/** What the environment says, and where it need not say anything. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { CommandError } from "../../../src/cli/frame/command.js";
import { realmDir } from "../../../src/cli/frame/environment.js";
import { defaultRealm } from "../../../src/cli/session/realm.js";

const noHome = vi.hoisted(() => ({ homedir: () => "/home/somebody" }));
vi.mock("node:os", async (original) => ({
  ...(await original<typeof import("node:os")>()),
  homedir: () => noHome.homedir(),
}));
afterEach(() => {
  noHome.homedir = () => "/home/somebody";
});

describe("the realm's folder", () => {
  it("is the option's, the variable's, or in the user's data", () => {
    expect(realmDir({ TESSERA_REALM_DIR: "/b", HOME: "/c" }, "/a")).toBe("/a");
    expect(realmDir({ TESSERA_REALM_DIR: "/b", HOME: "/c" })).toBe("/b");
    expect(realmDir({ XDG_DATA_HOME: "/d", HOME: "/c" })).toBe("/d/tessera/realm");
    expect(realmDir({ HOME: "/c" })).toBe("/c/.local/share/tessera/realm");
    expect(realmDir({})).toBe("/home/somebody/.local/share/tessera/realm");
  });

  it("needs no home where it is named: containers run as numbers without an entry in passwd", async () => {
    noHome.homedir = () => {
      throw new Error("uv_os_homedir returned ENOENT");
    };
    expect(realmDir({}, "/a")).toBe("/a");
    expect(realmDir({ TESSERA_REALM_DIR: "/b" })).toBe("/b");
    expect(() => realmDir({})).toThrow(
      new CommandError("this user has no home folder", "give --dir DIR, or set TESSERA_REALM_DIR"),
    );
    expect(await defaultRealm({})).toBe("EXAMPLE.TEST");
  });
});
