/** A dump is read as it was written, or not at all. */
import {
  lstatSync,
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
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { DumpReader, type WholeDump } from "../../../src/store/dump/reader.js";
import { DumpWriter } from "../../../src/store/dump/writer.js";
import { MasterKey } from "../../../src/store/master-key.js";

const root = mkdtempSync(join(tmpdir(), "tessera-dump-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const masterKey = new MasterKey(new Uint8Array(32).fill(1));
const header = {
  realm: "EXAMPLE.TEST",
  settings: "{}\n",
  createdAt: 1_790_000_000_000,
  masterKeyId: masterKey.id,
};
const RECORDS = ["alice", "bob", "krbtgt/EXAMPLE.TEST"].map(
  (name, i) => [`${name}@EXAMPLE.TEST`, new Uint8Array(20).fill(i)] as const,
);
const path = join(root, "realm.dump");
let written: Buffer;

async function writeDump(to: string): Promise<void> {
  const writer = await DumpWriter.create(to, header);
  for (const [name, record] of RECORDS) await writer.add(parsePrincipal(name, "name"), record);
  expect(await writer.finish(masterKey)).toBe(RECORDS.length);
}

/** Checks a file of these bytes. */
async function checked(bytes: Uint8Array, masterKeys = [masterKey]): Promise<WholeDump> {
  const file = join(root, "tried.dump");
  writeFileSync(file, bytes);
  await using dump = await DumpReader.open(file);
  return await dump.check(masterKeys);
}

beforeAll(async () => {
  await writeDump(path);
  written = readFileSync(path);
});

describe("a dump", () => {
  it("gives back what was written, in order, and tells its size", async () => {
    await using dump = await DumpReader.open(path);
    const told: number[] = [];
    const whole = await dump.check([masterKey], (read, size) => told.push(read / size));
    expect(whole).toMatchObject({ header, records: 3, size: written.length });
    expect(told.at(-1)).toBe(1);
    const records: [string, Uint8Array][] = [];
    for await (const [name, record] of dump.records()) records.push([name, Uint8Array.from(record)]);
    expect(records).toEqual(RECORDS.map(([name, record]) => [name, record]));
    expect(await dump.header()).toEqual(header);
  });

  it("takes the place of an older one only when it is whole", async () => {
    const place = join(root, "place");
    const other = join(root, "other.dump");
    await writeDump(other);
    const writer = await DumpWriter.create(other, { ...header, realm: "OTHER" });
    expect(readFileSync(other)).toEqual(written);
    await writer.abandon();
    expect(readFileSync(other)).toEqual(written);
    expect(readdirSync(root).filter((name) => name.startsWith("."))).toEqual([]);
    await expect(DumpWriter.create(join(place, "a.dump"), header)).rejects.toMatchObject({ code: "missing" });
  });

  it("is neither written to nor read from what is no file; a link is followed", async () => {
    const folder = join(root, "folder");
    mkdirSync(folder);
    for (const other of ["/dev/null", folder]) {
      await expect(DumpWriter.create(other, header)).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("is no file"),
      });
      await expect(DumpReader.open(other)).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("is no file"),
      });
    }
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
    const [file, link] = [join(root, "linked.dump"), join(root, "link")];
    writeFileSync(file, "old");
    symlinkSync(file, link);
    await writeDump(link);
    expect(readFileSync(file)).toEqual(written);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  it("is another one each time records change", async () => {
    const { id } = await checked(written);
    const writer = await DumpWriter.create(path, header);
    await writer.finish(masterKey);
    expect((await checked(readFileSync(path))).id).not.toBe(id);
    writeFileSync(path, written);
  });

  it("is refused wherever it is cut short", async () => {
    for (let length = 0; length < written.length; length++)
      await expect(checked(written.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({
        name: "StoreError",
        code: "corrupt",
      });
  });

  it("is refused whichever byte of it is altered", async () => {
    for (let i = 0; i < written.length; i++) {
      const altered = Buffer.from(written);
      altered[i]! ^= 1;
      // The version, and the name of the master key, are told apart from damage.
      const code = /^(corrupt|version|wrong-key)$/;
      await expect(checked(altered), `byte ${i}`).rejects.toMatchObject({
        name: "StoreError",
        code: expect.stringMatching(code),
      });
    }
  });

  it("is refused with something after its end, and with records of another dump", async () => {
    await expect(checked(Buffer.concat([written, Buffer.of(0)]))).rejects.toMatchObject({ code: "corrupt" });
    const second = written.indexOf("bob@EXAMPLE.TEST");
    const swapped = Buffer.from(written);
    swapped.write("eve", second);
    await expect(checked(swapped)).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("altered or damaged"),
    });
  });

  it("says that it is of a newer release, under another master key, not a dump, or not there", async () => {
    const newer = Buffer.from(written);
    newer.writeUInt32BE(2, 4);
    await expect(checked(newer)).rejects.toMatchObject({ code: "version" });
    const other = new MasterKey(new Uint8Array(32).fill(2));
    await expect(checked(written, [other])).rejects.toMatchObject({
      code: "wrong-key",
      hint: expect.stringContaining("master.key"),
    });
    await expect(checked(Buffer.from("-- PostgreSQL dump"))).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("not a dump"),
    });
    await expect(DumpReader.open(join(root, "none"))).rejects.toMatchObject({ code: "missing" });
  });

  it("is opened by the master keys of a roll-over, whichever sealed it", async () => {
    const newer = new MasterKey(new Uint8Array(32).fill(3));
    expect(await checked(written, [newer, masterKey])).toMatchObject({ records: 3 });
  });
});
