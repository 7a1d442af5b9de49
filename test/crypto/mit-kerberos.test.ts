/** The keys that MIT Kerberos makes of passwords, where its tools are installed (Debian: krb5-user). */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encryptionType } from "../../src/crypto/etypes.js";
import { hex } from "./vectors.js";

const installed = ["ktutil", "klist"].every(
  (tool) => spawnSync(tool, ["-V"], { input: "" }).error === undefined,
);

/** MIT 1.20 has no single DES any more. */
const TYPES = [
  { etype: 16, name: "des3-cbc-sha1" },
  { etype: 19, name: "aes128-cts-hmac-sha256-128" },
  { etype: 20, name: "aes256-cts-hmac-sha384-192" },
];
const ACCOUNTS = [
  { primary: "alice", instance: "", password: "correct horse battery staple" },
  { primary: "HTTP", instance: "/www.example.test", password: "π ≠ 3" },
  { primary: "bob", instance: "", password: "x".repeat(200) },
];

test.skipIf(!installed)(
  `string-to-key agrees with ktutil (${TYPES.length * ACCOUNTS.length} keys)${installed ? "" : ": ktutil is not installed"}`,
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "tessera-ktutil-"));
    try {
      const config = join(directory, "krb5.conf");
      writeFileSync(config, "[libdefaults]\n\tdefault_realm = EXAMPLE.TEST\n");
      const env = { ...process.env, KRB5_CONFIG: config, LC_ALL: "C.UTF-8" };
      const keytab = join(directory, "keytab");
      let script = "";
      for (const { primary, instance, password } of ACCOUNTS)
        for (const { name } of TYPES)
          script += `addent -password -p ${primary}${instance}@EXAMPLE.TEST -k 1 -e ${name}\n${password}\n`;
      execFileSync("ktutil", {
        input: `${script}wkt ${keytab}\nquit\n`,
        env,
        stdio: ["pipe", "ignore", "pipe"],
      });
      const listing = execFileSync("klist", ["-keK", keytab], { env, encoding: "utf8" });
      const theirs = [...listing.matchAll(/\(0x([0-9a-f]+)\)/g)].map((match) => match[1]);

      const ours: string[] = [];
      for (const { primary, instance, password } of ACCOUNTS)
        for (const { etype } of TYPES) {
          // RFC 4120 §4: the realm, then the components of the name, with nothing between.
          const salt = Buffer.from(`EXAMPLE.TEST${primary}${instance.slice(1)}`);
          ours.push(hex(await encryptionType(etype)!.stringToKey(password, salt)));
        }
      expect(theirs).toEqual(ours);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
