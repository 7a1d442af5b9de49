import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { createMasterKey, loadMasterKey, MasterKey } from "../../src/store/master-key.js";

const root = mkdtempSync(join(tmpdir(), "tessera-master-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const newFile = () => join(root, `master${count++}.key`);

describe("master key", () => {
  it("is written once, to a file of 40 bytes with mode 0600, and can be loaded again", async () => {
    const file = newFile();
    const made = await createMasterKey(file);
    const loaded = await loadMasterKey(file);
    expect(loaded.id).toEqual(made.id);
    expect(loaded.authenticate(Buffer.from("x"))).toEqual(made.authenticate(Buffer.from("x")));
    expect(loaded.exportSealingKey()).toEqual(made.exportSealingKey());
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const bytes = readFileSync(file);
    expect(bytes.subarray(0, 8).toString("latin1")).toBe("TSMK\0\0\0\x01");
    expect(bytes).toHaveLength(40);
    await expect(createMasterKey(file)).rejects.toMatchObject({ code: "exists" });
    expect(readFileSync(file)).toEqual(bytes);
  });

  it("derives keys that differ from the master key and from each other", () => {
    const bytes = new Uint8Array(32).fill(7);
    const key = new MasterKey(bytes);
    expect(key.exportSealingKey()).not.toEqual(bytes);
    expect(Buffer.from(key.exportSealingKey()).subarray(0, 8)).not.toEqual(Buffer.from(key.id));
    expect(() => new MasterKey(new Uint8Array(31))).toThrow(RangeError);
  });

  it("prints as [redacted]", async () => {
    const key = new MasterKey(new Uint8Array(32).fill(0x41));
    for (const text of [
      `${key}`,
      JSON.stringify({ key }),
      inspect({ key }, { depth: 9, showHidden: true }),
    ]) {
      expect(text).toContain("[redacted]");
      expect(text).not.toMatch(/41|AAAA/);
    }
  });

  it.each([0o620, 0o604, 0o660, 0o644, 0o610, 0o601])(
    "refuses mode %o and names the command that mends it",
    async (mode) => {
      const file = newFile();
      await createMasterKey(file);
      chmodSync(file, mode);
      await expect(loadMasterKey(file)).rejects.toMatchObject({
        code: "unsafe",
        message: expect.stringContaining(`chmod 600 ${file}`),
      });
    },
  );

  it.each([0o600, 0o400])("accepts mode %o", async (mode) => {
    const file = newFile();
    await createMasterKey(file);
    chmodSync(file, mode);
    await expect(loadMasterKey(file)).resolves.toBeInstanceOf(MasterKey);
  });

  it("follows a symbolic link within its folder, as in a mount, and refuses one out of it", async () => {
    const file = newFile();
    await createMasterKey(file);
    symlinkSync(file, join(root, "within"));
    await expect(loadMasterKey(join(root, "within"))).resolves.toBeInstanceOf(MasterKey);
    mkdirSync(join(root, "below"));
    const link = join(root, "below", "out");
    symlinkSync(file, link);
    await expect(loadMasterKey(link)).rejects.toMatchObject({ code: "unsafe", path: link });
  });

  it("refuses a folder, a name that is taken, and a file that is not there", async () => {
    const link = newFile();
    symlinkSync("nothing", link);
    await expect(loadMasterKey(root)).rejects.toMatchObject({ code: "unsafe", path: root });
    await expect(loadMasterKey(newFile())).rejects.toMatchObject({
      code: "missing",
      hint: "restore it from a backup: nothing else opens the realm's keys",
    });
    await expect(createMasterKey(link)).rejects.toMatchObject({ code: "exists" });
  });

  it.skipIf(process.geteuid?.() !== 0)("refuses a file of another owner (runs as root only)", async () => {
    const file = newFile();
    await createMasterKey(file);
    chownSync(file, 12345, 12345);
    await expect(loadMasterKey(file)).rejects.toMatchObject({
      code: "unsafe",
      message: expect.stringContaining("belongs to user 12345, not to user 0"),
    });
  });

  it("refuses other sizes and contents, and a newer version by name", async () => {
    const good = newFile();
    await createMasterKey(good);
    const bytes = readFileSync(good);
    const versions: [Uint8Array, string][] = [
      [bytes.subarray(0, 39), "corrupt"],
      [Buffer.concat([bytes, Buffer.of(0)]), "corrupt"],
      [bytes.subarray(8), "corrupt"],
      [new Uint8Array(), "corrupt"],
      [Buffer.concat([bytes, Buffer.alloc(100)]), "too-large"],
      [Buffer.concat([Buffer.from("TSMK\0\0\0\x03"), bytes.subarray(8)]), "version"],
      [Buffer.concat([Buffer.from("TSMK\0\0\0\x02"), bytes.subarray(8)]), "corrupt"],
      [Buffer.concat([bytes, Buffer.alloc(32)]), "corrupt"],
      [Buffer.concat([Buffer.from("TSMK\0\0\0\0"), bytes.subarray(8)]), "corrupt"],
    ];
    for (const [contents, code] of versions) {
      const file = newFile();
      writeFileSync(file, contents, { mode: 0o600 });
      await expect(loadMasterKey(file)).rejects.toMatchObject({
        code,
        message: expect.stringContaining(file),
      });
    }
  });
});
