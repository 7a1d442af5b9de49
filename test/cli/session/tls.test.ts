/** TLS files: what the command says of bad ones, and a session over good ones. */
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HAS_OPENSSL, makeCertificate } from "../../support/wire-tls.js";
import { InProcess } from "../in-process.js";

if (!HAS_OPENSSL) console.warn("tls.test.ts: skipped, openssl is not installed");

describe.skipIf(!HAS_OPENSSL)("TLS files", () => {
  const shell = new InProcess();
  const file = (name: string) => shell.file(name);
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
  const kinit = "kinit --tls-ca ./cert.pem";
  it.each([
    ["cert", "wide", /^\.\/wide\.pem: open to others \(mode 0644\); run `chmod 600 \.\/wide\.pem`\nhint: /],
    ["cert", "none", /^\.\/none\.pem: no such file or folder\nhint: check the path$/],
    ["cert", "junk", /^\.\/junk\.pem: holds no private key in PEM, or one that needs a passphrase\nhint: /],
    ["cert", "other-key", /^\.\/cert\.pem and \.\/other-key\.pem can't be used together: .*\nhint: the key/],
    [
      "none",
      "key",
      /^\.\/none\.pem: no such file or directory \(ENOENT\)\nhint: give a file of certificates$/,
    ],
    ["", "key", /^\.\/\.pem: no such file or directory \(ENOENT\)\nhint: give a file of certificates$/],
    ["junk", "key", /^\.\/junk\.pem: holds no certificate in PEM\nhint: .*-----BEGIN CERTIFICATE-----$/],
  ])("that are bad are refused by name: --tls-cert %s.pem --tls-key %s.pem", async (cert, key, text) => {
    for (const line of [serve, kinit]) {
      const { code, stdout, stderr } = await shell.run(
        `${line} --tls-cert ./${cert}.pem --tls-key ./${key}.pem`,
      );
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr.replace(/^tessera: /, "").trimEnd()).toMatch(text);
    }
  });

  it.each([
    ["empty", "is empty"],
    ["damaged", "certificate 2 of 2 is damaged"],
  ])("of authorities that are none are refused: %s.pem", async (ca, text) => {
    const withPair = `${serve} --tls-cert ./cert.pem --tls-key ./key.pem --tls-client-ca`;
    for (const line of [withPair, "kinit --tls-ca"]) {
      const { code, stderr } = await shell.run(`${line} ./${ca}.pem`);
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(new RegExp(`^tessera: \\./${ca}\\.pem: ${text}\\nhint: `)),
      ]);
    }
  });

  it.each([
    ["serve --tls-cert ./cert.pem", "--tls-cert and --tls-key go together"],
    ["serve --tls-client-ca ./cert.pem", "--tls-client-ca goes with --tls-cert and --tls-key"],
    ["kinit --tls-key ./key.pem alice", "--tls-cert and --tls-key go with --tls-ca"],
  ])("that go together are used wrongly alone: %s", async (line, text) => {
    const { code, stderr } = await shell.run(line);
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
  });

  it("that are good serve, a key behind a link too, and doctor checks with them", async () => {
    const tls = "--tls-cert ./cert.pem --tls-key ./link.pem";
    const server = shell.start(`${serve} --host localhost ${tls} --tls-client-ca ./cert.pem`.split(" "));
    const { addresses } = JSON.parse(await server.firstLine) as { addresses: Record<string, string> };
    const servers = `--kdc ${addresses.as},${addresses.tgs} --address ${addresses.v}`;
    const known = await shell.run(`doctor ${servers} --tls-ca ./cert.pem ${tls}`);
    expect(known.stdout.match(/ok {3}(AS|TGS|V) +localhost:\d+: SERVING/g)).toHaveLength(3);
    const unknown = await shell.run(`doctor ${servers} --tls-ca ./cert.pem`);
    expect(unknown.code).toBe(1);
    expect(unknown.stdout.match(/BAD +(AS|TGS|V) /g)).toHaveLength(3);
    server.end();
    expect((await server.outcome).code).toBe(0);
  });
});
