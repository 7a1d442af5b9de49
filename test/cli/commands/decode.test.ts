import { writeFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { formatKeytab } from "../../../src/formats/keytab.js";
import { NoteRecordSchema } from "../../../src/gen/kerberos/storage/v1/note_record_pb.js";
import { AccessResponseSchema } from "../../../src/gen/kerberos/v1/application_service_pb.js";
import { EncryptedDataSchema } from "../../../src/gen/kerberos/v1/encryption_pb.js";
import { SessionCallSchema } from "../../../src/gen/kerberos/v1/session_pb.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { Key } from "../../../src/protocol/keys.js";
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

describe("decode --bytes", () => {
  const lines = async (words: string) => {
    const { code, stdout, stderr } = await shell.run(`decode --bytes ${words}`);
    expect([code, stderr]).toEqual([0, ""]);
    return stdout;
  };

  it("shows where each byte lies and what it is, sealed ones too, and no key", async () => {
    const stdout = await lines(`--key des:${hex("service")} ${base64(messages.ticket)}`);
    expect(stdout).toMatch(
      /\n {5}0 {6}30 {2}0a 1c 6e6f7465732f6c6f63616c68… +server: notes\/localhost@EXAMPLE\.TEST\n/,
    );
    expect(stdout).toMatch(
      /\n +0 +8 {2}[0-9a-f]{16} +confounder\n +8 +16 {2}[0-9a-f]{24}… +checksum: 16 bytes\n/,
    );
    expect(stdout).toMatch(/12 08 \[redacted\] +key: 8 bytes\n/);
    expect(stdout).not.toContain(hex("session"));
    expect(await lines(`--show-keys --key des:${hex("service")} ${base64(messages.ticket)}`)).toContain(
      hex("session"),
    );
  });

  it("explains each field in the words of the .proto, once", async () => {
    const stdout = await lines(`--explain ${base64(messages[1])}`);
    expect(stdout.match(/Required\. The client's principal\. \[ID_c\]/g)).toHaveLength(1);
  });

  it("gives the trees as JSON, without keys unless they are asked for", async () => {
    const words = `--json --key des:${hex("service")} ${base64(messages.ticket)}`;
    const { tree, sealed } = JSON.parse(await lines(words));
    expect(tree).toMatchObject({ at: 0, length: messages.ticket.length, type: "kerberos.v1.Ticket" });
    expect(sealed[0]).toMatchObject({ usage: 2, equalBlocks: [], tree: { at: 0, name: "plaintext" } });
    expect(JSON.stringify(sealed)).not.toContain(hex("session"));
    expect(await lines(`--show-keys ${words}`)).toContain(hex("session"));
  });

  it("shows equal blocks of DES in ECB as equal", async () => {
    const cipher = keyFromHex("0123456789abcdef").cipher.encrypt(2, Buffer.from("the same".repeat(3)));
    const data = toBinary(EncryptedDataSchema, create(EncryptedDataSchema, { etype: -1, cipher }));
    const first = Buffer.from(cipher).toString("hex", 0, 8);
    const stdout = await lines(base64(data));
    expect(stdout).toContain(` A ${first}   A ${first}   A ${first}   · `);
    const [{ equalBlocks }] = JSON.parse(await lines(`--json ${base64(data)}`)).sealed;
    expect(equalBlocks).toEqual([[0, 8, 16]]);
  });
});

describe("decode of what is no message of the dialogue", () => {
  const call = toBinary(
    SessionCallSchema,
    create(SessionCallSchema, {
      session: Buffer.alloc(16, 7),
      number: 3n,
      protection: 1,
      mac: Buffer.alloc(16, 9),
    }),
  );

  it("knows the proof of a call under a session, as bytes and as a header", async () => {
    for (const blob of [base64(call), `kerberos-call-bin: ${base64(call).replace(/=+$/, "")}`]) {
      const { stdout } = await shell.runWords(["decode"], blob);
      expect(stdout).toMatch(/^Proof of a call under a session \(kerberos\.v1\.SessionCall\), 40 bytes\n/);
      expect(stdout).toMatch(/\n {2}number +3\n {2}protection +authenticate\n/);
    }
  });

  it("knows the proof of an answer by its header alone", async () => {
    const mac = Buffer.alloc(16, 5).toString("base64");
    expect((await shell.runWords(["decode"], `kerberos-reply-bin: ${mac}`)).stdout).toMatch(
      /^Proof of an answer/,
    );
    expect((await shell.runWords(["decode"], mac)).code).toBe(1);
  });

  it("opens an AP-REP by its header", async () => {
    const { apRep } = fromBinary(AccessResponseSchema, messages[6]);
    const words = ["decode", "--json", "--key", `des:${hex("session")}`];
    const { stdout } = await shell.runWords(words, `Kerberos-Ap-Rep-Bin: ${base64(apRep)}`);
    expect(JSON.parse(stdout)).toMatchObject({ type: "ap-rep", sealed: [{ part: "EncApRepPart" }] });
  });

  it("reads a keytab and a credential cache byte by byte, and opens the tickets in it", async () => {
    await tests.login("alice");
    await shell.run("kvno v/localhost");
    writeFileSync(shell.file("own.keytab"), await tests.realm.keytab("v/localhost"), { mode: 0o600 });
    const keytab = await shell.run("decode ./own.keytab");
    expect(keytab.stdout).toMatch(
      /^Keytab of version 0x0502, \d+ bytes\n[\s\S]*\[redacted\] +key: 8 bytes\n/,
    );
    const cache = await shell.run("decode --keytab ./own.keytab ./cc");
    expect(cache.stdout).toMatch(/^Credential cache of version 0x0504, \d+ bytes\n/);
    expect(cache.stdout).toMatch(/opened with v\/localhost@EXAMPLE\.TEST, kvno 1: EncTicketPart\n/);
  });

  it("reads a stored note where it is told that it is one", async () => {
    const note = toBinary(
      NoteRecordSchema,
      create(NoteRecordSchema, { text: "milk and honey", modified: 5n }),
    );
    expect((await shell.run(`decode --type note ${base64(note)}`)).stdout).toMatch(
      /\n {2}text +milk and honey\n/,
    );
  });

  it.each([
    ["a header that holds nothing of ours", "grpc-tags-bin: AAAA", 1, /^tessera: not any of /],
    ["a header whose value is cut", "kerberos-call-bin: CgEB", 1, /^tessera: not any of /],
  ])("fails for %s", async (_, input, code, text) => {
    const outcome = await shell.runWords(["decode"], input);
    expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringMatching(text)]);
  });

  it("is used wrongly with a key that is weak", async () => {
    const { code, stderr } = await shell.run(`decode --key des:0101010101010101 ${base64(messages.ticket)}`);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("--key: expected a strong DES key, got a weak one"),
    ]);
  });
});

function keyFromHex(text: string): Key {
  return new Key(etypeOf(-1), Buffer.from(text, "hex"));
}
