import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatKeytab } from "../../../src/formats/keytab.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { keys, messages } from "../../lab/dialogue.js";
import { PASSWORDS, served } from "../served.js";

const tests = served();
const { shell } = tests;
const hex = (name: keyof typeof keys) => Buffer.from(keys[name].exportBytes()).toString("hex");
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

describe("decode", () => {
  it("opens a reply of the AS with the client's key, the client's part alone", async () => {
    const { code, stdout, stderr } = await shell.run(
      `decode --key des:${hex("alice")} ${base64(messages[2])}`,
    );
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^AS-REP, message \(2\) \(kerberos\.v1\.AuthenticateResponse\), \d+ bytes\n/);
    expect(stdout).toMatch(
      /\nsealed ticket: des-cbc-md5, kvno 1, \d+ bytes\n {2}closed: the key given does not open it: it was sealed under another, or changed\n/,
    );
    expect(stdout).toMatch(
      /\nsealed enc_part: des-cbc-md5, kvno 1, \d+ bytes\n {2}opened with the key given: EncKdcRepPart\n {2}key +\[redacted\] des-cbc-md5, 8 bytes\n/,
    );
  });

  it("shows session keys, and all bytes, when asked to", async () => {
    const line = `decode --key des:${hex("service")} ${Buffer.from(messages.ticket).toString("hex")}`;
    expect((await shell.run(line)).stdout).not.toContain(hex("session"));
    expect((await shell.run(`${line} --show-keys`)).stdout).toMatch(
      new RegExp(`key\\.key +${hex("session")}\n`),
    );
    const bytes = `decode ${base64(messages[5])}`;
    expect((await shell.run(`${bytes} --type access-request --json`)).stdout).toContain('"closed": "no key');
    const request = `decode ${base64(messages[3])}`;
    expect((await shell.run(request)).stdout).toMatch(/body\.nonce +[0-9a-f]{32}\n/);
  });

  it("reads the blob from stdin or from a file, and the keys from a keytab", async () => {
    const principal = parsePrincipal("notes/localhost@EXAMPLE.TEST", "principal");
    const keytab = formatKeytab([{ principal, kvno: 1, key: keys.service, timestamp: 0 }]);
    writeFileSync(shell.file("v.keytab"), keytab, { mode: 0o600 });
    const opened =
      /\n {2}opened with notes\/localhost@EXAMPLE\.TEST, kvno 1: EncTicketPart\n[\s\S]*client +alice@/;
    const words = ["decode", "--keytab", "./v.keytab"];
    expect((await shell.runWords([...words, "-"], base64(messages.ticket))).stdout).toMatch(opened);
    expect((await shell.runWords(words, messages.ticket)).stdout).toMatch(opened);
    writeFileSync(shell.file("ticket.bin"), messages.ticket);
    expect((await shell.runWords([...words, "./ticket.bin"])).stdout).toMatch(opened);
  });

  it("makes the key of a password", async () => {
    await tests.login("alice");
    const ticket = (await shell.run("klist -T krbtgt/EXAMPLE.TEST")).stdout.trim();
    writeFileSync(shell.file("password"), PASSWORDS.alice, { mode: 0o600 });
    const line = `decode --password-file ./password --principal alice@EXAMPLE.TEST ${ticket}`;
    // A ticket is sealed under the TGS's key: alice's does not open it, and it says which key was tried.
    expect((await shell.run(line)).stdout).toContain("closed: the key given does not open it");
    const { stdout } = await shell.run(`${line} --json`);
    expect(JSON.parse(stdout)).toMatchObject({
      type: "ticket",
      message: "kerberos.v1.Ticket",
      clear: { server: "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST" },
      sealed: [{ field: "enc_part", etype: "des-cbc-md5", kvno: 1, closed: expect.any(String) }],
    });
  });

  it.each([
    ["no key is given", "", "no key was given (--keytab, --key, or --password-file with --principal)"],
    [
      "the key is of another type",
      `--key aes128:${"00".repeat(16)}`,
      "it is sealed under des-cbc-md5; the keys given are of aes128-cts-hmac-sha256-128",
    ],
  ])("says why a part stays closed: %s", async (_, words, text) => {
    const { stdout } = await shell.run(`decode ${words} ${base64(messages.ticket)}`);
    expect(stdout).toContain(`\n  closed: ${text}\n`);
  });

  it.each([
    [
      "nothing known",
      "AAAAAAAAAAAAAAAAAAAA",
      /^tessera: not any of as-req, .* in canonical form.*\nhint: is it whole\?/,
    ],
    [
      "not what it is taken for",
      `--type as-req ${base64(messages.ticket)}`,
      /^tessera: not as-req in canonical/,
    ],
    ["a file that is not there", "./none.bin", /^tessera: \.\/none\.bin: no such file, and not base64\n$/],
  ])("fails for what is %s", async (_, words, text) => {
    const { code, stderr } = await shell.run(`decode ${words}`);
    expect([code, stderr]).toEqual([1, expect.stringMatching(text)]);
  });

  it.each([
    ["a type that is none", "--type letter AAAAAAAAAAAAAAAAAAAA", "--type: expected one of as-req, as-rep"],
    [
      "a key that is too short",
      `--key des:00112233 ${base64(messages.ticket)}`,
      "--key: expected des-cbc-md5: and 16 hex digits",
    ],
    [
      "a principal without a password",
      "--principal alice AAAAAAAAAAAAAAAAAAAA",
      "--principal goes with --password-file",
    ],
    ["stdin for two things", "--password-stdin --principal alice", "stdin can't give both"],
  ])("is used wrongly with %s, and repeats no key", async (_, words, text) => {
    const { code, stdout, stderr } = await shell.run(`decode ${words}`);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(text)]);
    expect(stderr).not.toContain("00112233");
  });
});
