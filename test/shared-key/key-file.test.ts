import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openKeyFile } from "../../src/shared-key/key-file.js";

function newFile(text?: string, mode = 0o600): string {
  const dir = mkdtempSync(join(tmpdir(), "tessera-shared-key-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, "orders.key");
  if (text !== undefined) writeFileSync(path, text, { mode });
  return path;
}

const BYTES = Buffer.from(Array.from({ length: 32 }, (_, at) => at * 8));
const BASE64 = BYTES.toString("base64");

test("where there is no file one is made, which others can't read, and the next finds the same key", () => {
  const path = newFile();
  const key = openKeyFile(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(openKeyFile(path).equals(key)).toBe(true);
  expect(key.etype.name).toBe("aes256-cts-hmac-sha384-192");
  const [heading, line, end] = readFileSync(path, "utf8").split("\n");
  expect(heading).toMatch(/^# .*whoever holds it can be anybody$/);
  expect(Buffer.from(line!, "base64")).toEqual(Buffer.from(key.exportBytes()));
  expect(end).toBe("");
});

test("no two files have the same key", () => {
  expect(openKeyFile(newFile()).equals(openKeyFile(newFile()))).toBe(false);
});

test.each([BASE64, `${BASE64}\n`, `# mine\r\n\r\n  ${BASE64}  \r\n`, `${BASE64}\n# below\n`])(
  "a key that was written by hand is read: %j",
  (text) => {
    expect(Buffer.from(openKeyFile(newFile(text)).exportBytes())).toEqual(BYTES);
  },
);

test.each<[string, string]>([
  ["nothing", ""],
  ["only a comment", "# key\n"],
  ["a byte less", BYTES.subarray(1).toString("base64")],
  ["a byte more", Buffer.concat([BYTES, BYTES.subarray(0, 1)]).toString("base64")],
  ["two keys", `${BASE64}\n${BASE64}\n`],
  ["a character that is no base64", BASE64.replace("A", "!")],
  ["a character too many", `${BASE64}A`],
  ["padding cut off", BASE64.replace("=", "")],
  ["bits beyond the last byte", `${BASE64.slice(0, -2)}${BASE64.at(-2) === "B" ? "C" : "B"}=`],
  ["the bytes as they are", BYTES.toString("latin1")],
  ["hexadecimal", BYTES.toString("hex")],
])("a file that holds no key is refused, with what to do and without what it holds: %s", (_, text) => {
  const path = newFile(text);
  const error = (() => {
    try {
      return openKeyFile(path);
    } catch (thrown) {
      return thrown as Error;
    }
  })();
  expect(error).toMatchObject({
    name: "SharedKeyError",
    message: `${path}: expected a shared key, 32 bytes in base64 on one line`,
    hint: expect.stringContaining("copy the file from the other side"),
  });
  expect(readFileSync(path, "latin1")).toBe(text === "" ? "" : Buffer.from(text).toString("latin1"));
});

test("a file that others can read is refused, with the command that mends it", () => {
  const path = newFile(BASE64);
  chmodSync(path, 0o644);
  expect(() => openKeyFile(path)).toThrow(
    expect.objectContaining({
      name: "PrivateFileError",
      code: "unsafe",
      message: `${path}: open to others (mode 0644); run \`chmod 600 ${path}\``,
    }),
  );
});

test("an enormous file is not read to its end", () => {
  expect(() => openKeyFile(newFile("#".repeat(5000)))).toThrow(
    expect.objectContaining({ code: "too-large" }),
  );
});

test("a dangling link is not followed to make a file elsewhere", () => {
  const path = newFile();
  symlinkSync(`${path}.elsewhere`, path);
  expect(() => openKeyFile(path)).toThrow(expect.objectContaining({ code: "missing" }));
});

test("a folder that is not there is not made", () => {
  const path = join(newFile(), "f");
  expect(() => openKeyFile(path)).toThrow(expect.objectContaining({ code: "missing", path }));
});
