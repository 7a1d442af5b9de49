/**
 * Realms of past releases and of this one, as their commands left them: test/vectors/realm/VERSION has the
 * folder `realm`, the dump `realm.dump`, and `expected.json`, which says what is in both.
 */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PrincipalEntry } from "../../src/protocol/principal-entry.js";
import { openRealm } from "../../src/realm/open-realm.js";
import { listPrincipals } from "../../src/realm/principals.js";
import { InProcess } from "../cli/in-process.js";

const FOLDER = fileURLToPath(new URL("../vectors/realm/", import.meta.url));
/** The moment at which they were made. */
const MADE = Date.UTC(2026, 10, 1, 12);
const PASSWORDS = { alice: "a horse of another colour", bob: "apple" };

/** The realm of one release. */
export interface ReleasedRealm {
  readonly version: string;
  readonly expected: {
    readonly passwords: Readonly<Record<string, string>>;
    readonly principals: readonly unknown[];
  };
}

/** All that are kept, oldest first. */
export function releasedRealms(): ReleasedRealm[] {
  return readdirSync(FOLDER)
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map((version) => ({
      version,
      expected: JSON.parse(readFileSync(join(FOLDER, version, "expected.json"), "utf8")),
    }));
}

/** Copies one into a folder, with the modes that git does not keep. */
export function copyReleased({ version }: ReleasedRealm, to: string): void {
  cpSync(join(FOLDER, version), to, { recursive: true });
  for (const name of readdirSync(to, { recursive: true, encoding: "utf8" })) {
    const path = join(to, name);
    chmodSync(path, statSync(path).isDirectory() ? 0o700 : 0o600);
  }
}

/** Everything of every principal in a realm's folder, as JSON has it; keys in hexadecimal. */
export async function contentsOf(dir: string): Promise<unknown[]> {
  await using realm = await openRealm(dir);
  const all: unknown[] = [];
  for await (const entry of listPrincipals(realm)) all.push(plain(entry));
  return all;
}

function plain({ keys, stringToKey, ...rest }: PrincipalEntry): unknown {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const value = {
    ...rest,
    keys: keys.map(({ kvno, key, goodUntil }) => ({
      kvno,
      etype: key.etype.etype,
      key: hex(key.exportBytes()),
      goodUntil,
    })),
    stringToKey: [...stringToKey].map(([etype, { salt, params }]) => ({ etype, salt, params: hex(params) })),
  };
  return JSON.parse(JSON.stringify(value));
}

/**
 * Makes the realm of a release that is not there yet, by the command. What is there stays: a release is never
 * made anew.
 */
export async function makeReleased(version: string): Promise<void> {
  const to = join(FOLDER, version);
  const shell = new InProcess();
  shell.now = () => MADE;
  const run = async (line: string, stdin?: string) => {
    const { code, stderr } = await shell.run(line, stdin);
    if (code !== 0) throw new Error(`${line}: ${stderr}`);
  };
  await run("realm create --profile standard");
  for (const [name, password] of Object.entries(PASSWORDS))
    await run(`kadmin addprinc --password-stdin ${name}`, password);
  await run("kadmin modprinc --disable --expire 2030-01-01T00:00Z --max-life 1h bob");
  await run("kadmin addprinc -randkey orders/localhost");
  await run("kadmin ktadd -k ./realm/v.keytab v/localhost");
  await run("kadmin cpw -randkey krbtgt/EXAMPLE.TEST");
  await run("realm dump ./realm.dump");
  const dir = shell.file("realm");
  const principals = await contentsOf(dir);
  mkdirSync(to, { recursive: true });
  for (const name of ["realm.json", "master.key", "v.keytab", "principals/data.mdb"])
    cpSync(join(dir, name), join(to, "realm", name));
  cpSync(shell.file("realm.dump"), join(to, "realm.dump"));
  writeFileSync(
    join(to, "expected.json"),
    `${JSON.stringify({ passwords: PASSWORDS, principals }, undefined, 1)}\n`,
  );
  shell.remove();
  rmSync(join(to, "realm", "principals", "lock.mdb"), { force: true });
}
