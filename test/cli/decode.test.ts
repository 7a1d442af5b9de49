import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { afterAll, describe, expect, it } from "vitest";
import { AccessRequestSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { AuthenticateResponseSchema } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { GrantTicketRequestSchema } from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { access, grantTicket, keyOf, login, makeRealm } from "../support/entries.js";
import { Shell } from "./command.js";

const shell = new Shell();
afterAll(() => shell.remove());
const realm = makeRealm();
const first = login(realm);
const second = grantTicket(realm, first.credentials);
const third = access(realm, second.credentials, new Uint8Array(8));
const aliceKey = Buffer.from(keyOf(realm.alice).exportBytes()).toString("hex");
const serviceKey = Buffer.from(keyOf(realm.service).exportBytes()).toString("hex");

describe("decode", () => {
  it("knows a reply of the AS in base64 and opens the client's part alone with the client's key", async () => {
    const blob = Buffer.from(toBinary(AuthenticateResponseSchema, first.response)).toString("base64");
    const { code, stdout } = await shell.runWords(["decode", "--key", `des:${aliceKey}`, blob]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^AS-REP, message \(2\) \(kerberos.v1.AuthenticateResponse\)/);
    expect(stdout).toMatch(
      /sealed ticket: .*\n {2}closed: the key given does not open it: it is another key's/,
    );
    expect(stdout).toMatch(/sealed enc_part: .*\n {2}opened with the key given: EncKdcRepPart/);
    expect(stdout).toContain("[redacted]");
  });

  it("shows session keys when asked to", async () => {
    const blob = Buffer.from(second.credentials.ticket).toString("hex");
    const key = Buffer.from(second.credentials.key.exportBytes()).toString("hex");
    const hidden = await shell.runWords(["decode", "--key", `des:${serviceKey}`, blob]);
    expect(hidden.stdout).not.toContain(key);
    const shown = await shell.runWords(["decode", "--key", `des:${serviceKey}`, "--show-keys", blob]);
    expect(shown.stdout).toContain(key);
  });

  it.each([
    ["TGS-REQ, message (3)", toBinary(GrantTicketRequestSchema, second.request)],
    ["AP-REQ with a sealed request, message (5)", toBinary(AccessRequestSchema, third.request)],
    ["EncryptedData", third.request.authenticator],
    ["Ticket", first.credentials.ticket],
  ])("knows a file with the bytes of %s", async (title, bytes) => {
    const file = join(shell.dir, "blob.bin");
    writeFileSync(file, bytes);
    const { stdout } = await shell.runWords(["decode", file]);
    expect(stdout.split(" (kerberos.v1")[0]).toBe(title);
    expect(stdout).toContain("closed: no key was given");
  });

  it("says what it is not, and repeats no key", async () => {
    const { code, stderr } = await shell.run("decode --key des:00112233 -", "AAAA");
    expect([code, stderr]).toEqual([1, expect.stringContaining("canonical form")]);
    const wrong = await shell.run(
      "decode --key des:00112233 -",
      Buffer.from(first.credentials.ticket).toString("base64"),
    );
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("16 hex digits");
    expect(wrong.stderr).not.toContain("00112233");
  });
});
