/** TLS files: what the command says of bad ones, and a session over good ones. */
import { once } from "node:events";
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { HAS_OPENSSL, makeCertificate } from "../support/wire-tls.js";
import { Shell } from "./command.js";

if (!HAS_OPENSSL) console.warn("tls.test.ts: skipped, openssl is not installed");

describe.skipIf(!HAS_OPENSSL)("TLS files", () => {
  const shell = new Shell();
  const file = (name: string) => join(shell.dir, name);
  beforeAll(async () => {
    await shell.run("realm create");
    makeCertificate(file("key.pem"), file("cert.pem"));
    makeCertificate(file("other-key.pem"), file("other.pem"));
    writeFileSync(file("wide.pem"), readFileSync(file("key.pem")));
    chmodSync(file("wide.pem"), 0o644);
    symlinkSync("key.pem", file("link.pem"));
    writeFileSync(file("empty.pem"), "");
    writeFileSync(file("junk.pem"), "junk", { mode: 0o600 });
    const damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    writeFileSync(file("damaged.pem"), readFileSync(file("cert.pem"), "utf8") + damaged);
  });
  afterAll(() => shell.remove());

  const serve = "serve --as-port 0 --tgs-port 0 --v-port 0";
  const kinit = "kinit --tls-ca cert.pem";
  it.each([
    [
      "cert.pem",
      "wide.pem",
      /\/wide\.pem: open to others \(mode 0644\); run `chmod 600 \S+\/wide\.pem`\nhint: /,
    ],
    ["cert.pem", "none.pem", /^none\.pem: no such file or folder\nhint: check the path$/],
    ["cert.pem", "junk.pem", /^junk\.pem: holds no private key in PEM, or one under a passphrase\nhint: /],
    [
      "cert.pem",
      "other-key.pem",
      /^cert\.pem and other-key\.pem can't be used together: .*\nhint: the key must/,
    ],
    ["none.pem", "key.pem", /^none\.pem: no such file or directory\nhint: give a file of certificates$/],
    [".", "key.pem", /^\.: illegal operation on a directory\nhint: give a file of certificates$/],
    ["junk.pem", "key.pem", /^junk\.pem: holds no certificate in PEM\nhint: .*-----BEGIN CERTIFICATE-----$/],
  ])("that are bad are refused by name: --tls-cert %s --tls-key %s", async (cert, key, text) => {
    for (const line of [serve, kinit]) {
      const { code, stdout, stderr } = await shell.run(`${line} --tls-cert ${cert} --tls-key ${key}`);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr.replace(/^tessera: /, "").trimEnd()).toMatch(text);
    }
  });

  it.each([
    ["empty.pem", "is empty"],
    ["damaged.pem", "certificate 2 of 2 is damaged"],
  ])("of authorities that are none are refused: %s", async (ca, text) => {
    for (const line of [`${serve} --tls-cert cert.pem --tls-key key.pem --tls-client-ca`, "kinit --tls-ca"]) {
      const { code, stderr } = await shell.run(`${line} ${ca}`);
      expect([code, stderr]).toEqual([1, expect.stringMatching(`^tessera: ${ca}: ${text}\nhint: `)]);
    }
  });

  it("that are good serve, a key behind a link too, and doctor checks with them", async () => {
    const tls = "--tls-cert cert.pem --tls-key link.pem";
    const server = shell.start(`${serve} --host localhost ${tls} --tls-client-ca cert.pem`.split(" "));
    onTestFinished(() => void server.kill());
    const [first] = (await once(createInterface(server.stdout), "line")) as [string];
    const { addresses } = JSON.parse(first) as { addresses: Record<"as" | "tgs" | "v", string> };
    const servers = `--kdc ${addresses.as},${addresses.tgs} --address ${addresses.v}`;
    const known = await shell.run(`doctor ${servers} --tls-ca cert.pem ${tls}`);
    expect(known.stdout.match(/ok {3}(AS|TGS|V) +localhost:\d+: SERVING/g)).toHaveLength(3);
    const unknown = await shell.run(`doctor ${servers} --tls-ca cert.pem`);
    expect(unknown.code).toBe(1);
    expect(unknown.stdout.match(/BAD +(AS|TGS|V) /g)).toHaveLength(3);
  });
});
