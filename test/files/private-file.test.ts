import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
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
import { createPrivateFile, readPrivateFile, writeFileAtomically } from "../../src/files/private-file.js";
import { wipedBy } from "../support/wiped.js";

const root = mkdtempSync(join(tmpdir(), "tessera-files-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const newFolder = () => {
  const dir = join(root, `d${count++}`);
  mkdirSync(dir);
  return dir;
};
const bytes = (text: string) => new TextEncoder().encode(text);

describe("readPrivateFile", () => {
  it("reads a file that only its owner may read, up to the limit", async () => {
    const file = join(newFolder(), "f");
    writeFileSync(file, "secret", { mode: 0o600 });
    expect(await readPrivateFile(file)).toEqual(bytes("secret"));
    expect(await readPrivateFile(file, 6)).toEqual(bytes("secret"));
    await expect(readPrivateFile(file, 5)).rejects.toMatchObject({ code: "too-large", path: file });
    writeFileSync(file, "");
    expect(await readPrivateFile(file)).toEqual(new Uint8Array());
  });

  it("leaves no other copy of the file in memory, whether it gives the bytes or refuses them", async () => {
    const file = join(newFolder(), "f");
    writeFileSync(file, "a long secret", { mode: 0o600 });
    const secret = [...bytes("a long secret")];
    // The file may be longer than it was when asked for its size: one byte more is always tried.
    const given = await wipedBy(() => readPrivateFile(file));
    expect(given).toEqual([[...secret, 0], secret]);
    const refused = await wipedBy(() =>
      expect(readPrivateFile(file, 12)).rejects.toMatchObject({ code: "too-large" }),
    );
    expect(refused).toEqual([secret]);
  });

  it("refuses every mode with a bit for group or others, naming mode and command", async () => {
    const file = join(newFolder(), "f");
    writeFileSync(file, "secret");
    for (let bits = 1; bits <= 0o77; bits++) {
      chmodSync(file, 0o600 | bits);
      await expect(readPrivateFile(file)).rejects.toMatchObject({
        name: "PrivateFileError",
        code: "unsafe",
        path: file,
        message: `${file}: open to others (mode 0${(0o600 | bits).toString(8)}); run \`chmod 600 ${file}\``,
      });
    }
  });

  it("refuses links, folders, pipes and files that are not there, without waiting", async () => {
    const dir = newFolder();
    const file = join(dir, "f");
    writeFileSync(file, "secret", { mode: 0o600 });
    symlinkSync(file, join(dir, "link"));
    symlinkSync(join(dir, "nothing"), join(dir, "dangling"));
    execFileSync("mkfifo", ["-m", "600", join(dir, "pipe")]);
    for (const name of ["link", "dangling", "pipe", "."])
      await expect(readPrivateFile(join(dir, name))).rejects.toMatchObject({ code: "unsafe" });
    // The way out that secrets have, /dev/stdin, is none for a file that is written too.
    await expect(readPrivateFile(join(dir, "pipe"))).rejects.toThrow(/pipe: is not a regular file$/);
    await expect(readPrivateFile(join(dir, "nothing"))).rejects.toMatchObject({ code: "missing" });
    await expect(readPrivateFile(join(file, "below"))).rejects.toMatchObject({ code: "unavailable" });
  });

  it.skipIf(process.geteuid?.() !== 0)("refuses another owner's file (runs as root only)", async () => {
    const file = join(newFolder(), "f");
    writeFileSync(file, "secret", { mode: 0o600 });
    chownSync(file, 12345, 12345);
    await expect(readPrivateFile(file)).rejects.toMatchObject({
      code: "unsafe",
      message: expect.stringContaining(
        "belongs to user 12345, not to user 0 who runs this; run this as its owner",
      ),
    });
  });
});

describe("writeFileAtomically", () => {
  it("writes mode 0600 or the one asked for, whatever was there, and leaves nothing beside it", async () => {
    const dir = newFolder();
    const file = join(dir, "f");
    writeFileSync(file, "old", { mode: 0o644 });
    await writeFileAtomically(file, bytes("new"));
    expect(readFileSync(file, "utf8")).toBe("new");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await writeFileAtomically(file, bytes("newer"), 0o644);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(readdirSync(dir)).toEqual(["f"]);
  });

  it("replaces a link and leaves its target alone", async () => {
    const dir = newFolder();
    writeFileSync(join(dir, "target"), "target");
    symlinkSync("target", join(dir, "link"));
    await writeFileAtomically(join(dir, "link"), bytes("new"));
    expect(readFileSync(join(dir, "target"), "utf8")).toBe("target");
    expect(readFileSync(join(dir, "link"), "utf8")).toBe("new");
  });

  it("shows readers one whole file or another, also with many writers", async () => {
    const file = join(newFolder(), "f");
    const writers = Array.from({ length: 16 }, (_, i) =>
      writeFileAtomically(file, new Uint8Array(5000).fill(i)),
    );
    await Promise.all(writers);
    const contents = readFileSync(file);
    expect(contents).toHaveLength(5000);
    expect(new Set(contents).size).toBe(1);
  });

  it("fails by name and leaves nothing behind", async () => {
    const dir = newFolder();
    mkdirSync(join(dir, "folder"));
    await expect(writeFileAtomically(join(dir, "no", "f"), bytes("x"))).rejects.toMatchObject({
      code: "missing",
    });
    await expect(writeFileAtomically(join(dir, "folder"), bytes("x"))).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(readdirSync(dir)).toEqual(["folder"]);
  });
});

describe("createPrivateFile", () => {
  it("writes mode 0600 and refuses a name that is taken, by a dangling link too", async () => {
    const dir = newFolder();
    await createPrivateFile(join(dir, "f"), bytes("one"));
    expect(statSync(join(dir, "f")).mode & 0o777).toBe(0o600);
    await expect(createPrivateFile(join(dir, "f"), bytes("two"))).rejects.toMatchObject({ code: "exists" });
    expect(readFileSync(join(dir, "f"), "utf8")).toBe("one");
    symlinkSync("nothing", join(dir, "dangling"));
    await expect(createPrivateFile(join(dir, "dangling"), bytes("x"))).rejects.toMatchObject({
      code: "exists",
    });
    expect(existsSync(join(dir, "nothing"))).toBe(false);
  });
});
