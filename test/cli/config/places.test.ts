import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { configurationFile } from "../../../src/cli/config/places.js";

it("is the file that is named, the user's, or the machine's; never one of the current folder", () => {
  const home = mkdtempSync(join(tmpdir(), "tessera-config-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const place = (folder: string) => {
    mkdirSync(join(folder, "tessera"), { recursive: true });
    const file = join(folder, "tessera", "tessera.toml");
    writeFileSync(file, "");
    return file;
  };
  expect(configurationFile({ HOME: home })).toBeUndefined();
  const ofUser = place(join(home, ".config"));
  expect(configurationFile({ HOME: home })).toBe(ofUser);
  expect(configurationFile({}, () => home)).toBe(ofUser);
  const ofXdg = place(join(home, "xdg"));
  expect(configurationFile({ HOME: home, XDG_CONFIG_HOME: join(home, "xdg") })).toBe(ofXdg);
  expect(configurationFile({ HOME: home, TESSERA_CONFIG: "/nowhere/tessera.toml" })).toBe(
    "/nowhere/tessera.toml",
  );
  expect(configurationFile({ HOME: home, TESSERA_CONFIG: "" })).toBeUndefined();
  const homeless = () => {
    throw new Error("no entry in passwd");
  };
  expect(configurationFile({}, homeless)).toBeUndefined();
});
