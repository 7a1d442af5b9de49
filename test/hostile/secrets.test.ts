/**
 * Where secrets must not be. A realm is made, served and used by the commands as typed, rightly and wrongly,
 * with traces on; then all that was printed and every file is searched for every key and password. And a KDC
 * that has served and is idle gives up its heap, and its memory.
 */
import { openSync, readdirSync, readFileSync, readSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openRealm } from "../../src/realm/open-realm.js";
import { openRealmDirectory } from "../../src/realm/realm-directory.js";
import { Shell } from "../cli/command.js";

const PASSWORDS = { alice: "a horse of another colour", bob: "an apple a day keeps it" };
/** What the commands below say beside the right passwords: a typing error is nearly one. */
const MISTYPED = "a horse of anothre colour";

let shell: Shell;
let kdc: ReturnType<Shell["start"]>;
/** Every secret there is, by what it is. */
const secrets = new Map<string, Buffer>();
/** Files that are there to hold keys. */
const KEY_FILES = ["realm/master.key", "realm/v.keytab", "cc", "keytab"];

beforeAll(async () => {
  shell = new Shell();
  shell.env.TESSERA_TRACE = join(shell.dir, "trace.log");
  await shell.run("realm create --profile standard");
  for (const [name, password] of Object.entries(PASSWORDS))
    await shell.run(`kadmin addprinc --password-stdin ${name}`, password);
  await collect();
  const words = "serve --as-port 0 --tgs-port 0 --v-port 0 --log serve.log".split(" ");
  shell.env.NODE_OPTIONS = "--heapsnapshot-signal=SIGUSR2";
  kdc = shell.start(words);
  delete shell.env.NODE_OPTIONS;
  const line = await new Promise<string>((resolve) => {
    kdc.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().split("\n")[0]!));
  });
  const { as, tgs, v } = (JSON.parse(line) as { addresses: Record<string, string> }).addresses;
  shell.env.TESSERA_KDC = `${as},${tgs}`;
  for (const [command, stdin] of [
    ["kinit --password-stdin alice", MISTYPED],
    ["kinit --password-stdin nobody", PASSWORDS.alice],
    ["kinit --password-stdin alice", PASSWORDS.alice],
    [`call --address ${v} who-am-i`],
    ["kvno krbtgt/nowhere"],
    ["klist --json"],
    ["kadmin ktadd -k keytab v/localhost"],
    ["kadmin getprinc --json alice"],
    ["decode cc"],
  ] as const)
    await shell.run(command, stdin);
  await collect();
}, 120_000);
afterAll(async () => {
  kdc.kill("SIGKILL");
  shell.remove();
});

/** Takes the keys of all principals as they are now, and the master key. */
async function collect(): Promise<void> {
  for (const [name, password] of Object.entries({ ...PASSWORDS, mistyped: MISTYPED }))
    secrets.set(`password of ${name}`, Buffer.from(password));
  const directory = await openRealmDirectory(join(shell.dir, "realm"));
  secrets.set("master key", readFileSync(directory.masterKeyFile).subarray(8));
  await using realm = await openRealm(directory);
  for await (const principal of realm.principals.names()) {
    const entry = (await realm.principals.get(principal))!;
    for (const { kvno, key } of entry.keys)
      secrets.set(`${principal} ${kvno} ${key.etype.etype}`, Buffer.from(key.exportBytes()));
  }
}

/** The secrets in some bytes, as they are, in hexadecimal or in base64. */
function found(bytes: Buffer): string[] {
  return [...secrets].flatMap(([name, secret]) => {
    const forms = [secret, secret.toString("hex"), secret.toString("base64").replace(/=+$/, "")];
    return forms.some((form) => bytes.includes(form)) ? [name] : [];
  });
}

function* filesIn(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else if (entry.isFile()) yield path;
  }
}

test("the search finds what is there", () => {
  expect(secrets.size).toBeGreaterThan(10);
  expect(found(readFileSync(join(shell.dir, "realm/master.key")))).toEqual(["master key"]);
  expect(found(readFileSync(join(shell.dir, "keytab"))).length).toBeGreaterThan(0);
});

test("what was printed, said of errors, logged and traced holds no key and no password", () => {
  expect(shell.printed.length).toBeGreaterThan(1000);
  expect(found(Buffer.from(shell.printed))).toEqual([]);
  for (const name of ["serve.log", "trace.log"]) {
    const text = readFileSync(join(shell.dir, name));
    expect(text.length).toBeGreaterThan(100);
    expect(found(text)).toEqual([]);
  }
});

test("no file holds a password, and none a key but those that are there for it", () => {
  const holding = [...filesIn(shell.dir)].flatMap((path) => {
    const held = found(readFileSync(path));
    return held.length > 0 ? [relative(shell.dir, path)] : [];
  });
  expect(holding.filter((path) => !KEY_FILES.includes(path))).toEqual([]);
  for (const path of holding)
    expect(found(readFileSync(join(shell.dir, path))).filter((name) => name.startsWith("password"))).toEqual(
      [],
    );
});

describe.skipIf(process.platform !== "linux")("an idle KDC", () => {
  test("its heap, written out: no password and no key", { timeout: 60_000 }, async () => {
    kdc.kill("SIGUSR2");
    const snapshot = await vi.waitFor(
      () => {
        const name = readdirSync(shell.dir).find((each) => each.endsWith(".heapsnapshot"))!;
        const path = join(shell.dir, name);
        const text = readFileSync(path);
        // It is whole once its last brace is there.
        expect(text.subarray(-4).includes("}")).toBe(true);
        return { path, text };
      },
      { timeout: 50_000, interval: 100 },
    );
    expect(snapshot.text.includes("MasterKey")).toBe(true);
    expect(found(snapshot.text)).toEqual([]);
    rmSync(snapshot.path);
  });

  test("its memory: no password, no key of who did not log in, the master key once at most", () => {
    const counts = countInMemory(kdc.pid!);
    const held = [...counts].filter(([, count]) => count > 0).map(([name]) => name);
    expect(held.filter((name) => name.startsWith("password"))).toEqual([]);
    expect(held.filter((name) => name.startsWith("bob@"))).toEqual([]);
    expect(counts.get("master key")).toBeLessThanOrEqual(1);
    // The search would have found them: the KDC holds the keys that it seals tickets with.
    expect(held.some((name) => name.startsWith("krbtgt/"))).toBe(true);
  });
});

/** How often each secret stands in the writable memory of a process, as Linux shows it. */
function countInMemory(pid: number): Map<string, number> {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const counts = new Map([...secrets.keys()].map((name) => [name, 0]));
  for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    const size = Number(BigInt(`0x${to ?? 0}`) - BigInt(`0x${from ?? 0}`));
    if (size === 0 || size > 2 ** 28) continue;
    const bytes = Buffer.alloc(size);
    try {
      readSync(memory, bytes, 0, size, BigInt(`0x${from}`));
    } catch {
      continue; // a mapping of the kernel's own
    }
    for (const [name, secret] of secrets)
      for (let at = bytes.indexOf(secret); at !== -1; at = bytes.indexOf(secret, at + 1))
        counts.set(name, counts.get(name)! + 1);
  }
  return counts;
}
