/** Passwords from files and pipes, as editors and other programs write them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { isSame, readPassword } from "../../../src/cli/options/password.js";

const root = mkdtempSync(join(tmpdir(), "tessera-password-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const fromStdin = (bytes: Uint8Array) =>
  readPassword({ "password-file": undefined, "password-stdin": true }, "alice", async function* () {
    yield bytes;
  });
const fromFile = (bytes: Uint8Array) => {
  const file = join(root, "password");
  writeFileSync(file, bytes, { mode: 0o600 });
  const stdin = () => expect.fail("stdin was opened");
  return readPassword({ "password-file": file, "password-stdin": false }, "alice", stdin);
};

describe.each([
  ["stdin", fromStdin],
  ["a file", fromFile],
])("a password from %s", (_, read) => {
  // Notepad writes a byte-order mark before the text, and CR LF after it: it became part of the password.
  it.each(["secret", "secret\n", "secret\r\n", "\ufeffsecret", "\ufeffsecret\r\n"])(
    "is the line without its end and without a byte-order mark: %j",
    async (text) => {
      expect(await read(Buffer.from(text))).toBe("secret");
    },
  );

  it("keeps every other character, a mark within the text and spaces included", async () => {
    expect(await read(Buffer.from(" sec\ufeffret \n"))).toBe(" sec\ufeffret ");
  });

  it.each<[string, string | Uint8Array, RegExp]>([
    ["nothing", "", /^the password is empty$/],
    ["a byte-order mark alone", "\ufeff\r\n", /^the password is empty$/],
    ["two lines", "one\ntwo\n", /expected one line with the password$/],
    ["no UTF-8", Uint8Array.of(0xff), /the password is not valid UTF-8$/],
  ])("is not %s", async (_name, text, message) => {
    await expect(read(Buffer.from(text as string))).rejects.toThrow(message);
  });
});

describe("a password that is typed twice", () => {
  it("is the same in another normal form, and with another kind of space", () => {
    expect(isSame("caf\u00e9", "cafe\u0301")).toBe(true);
    expect(isSame("two words", "two\u00a0words")).toBe(true);
  });

  it.each(["", "secret ", "Secret"])("is not the same as %j", (other) => {
    expect(isSame("secret", other)).toBe(false);
  });
});
