/**
 * A process, or one of two, is killed while it writes: nothing that it acknowledged is lost, nothing is half
 * done, and whoever comes next opens everything at once.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileCache } from "../../src/client/file-credential-cache.js";
import { parseKeytab } from "../../src/formats/keytab.js";
import { passwordPrincipal } from "../../src/protocol/new-principal.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { createRealm } from "../../src/realm/create-realm.js";
import { newMasterKey } from "../../src/realm/new-master-key.js";
import { openRealm } from "../../src/realm/open-realm.js";
import { openRealmDirectory } from "../../src/realm/realm-directory.js";
import { LoginAttempts } from "../../src/store/attempts/login-attempts.js";
import { openLmdbStore } from "../../src/store/lmdb/store.js";
import { StoreReplayCache } from "../../src/store/replay/store-replay-cache.js";
import { KILLS, PATIENCE, SEED } from "./runs.js";

const NOW = Date.UTC(2026, 2, 1, 12);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const named = (name: string) => parsePrincipal(`${name}@EXAMPLE.TEST`, "name");

let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "tessera-killed-"));
  // In one file it starts in half the time.
  await build({
    entryPoints: [here("realm-writer.mjs")],
    outfile: join(dir, "writer.mjs"),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    external: ["lmdb", "fs-native-extensions"],
  });
  symlinkSync(here("../../node_modules"), join(dir, "node_modules"));
  await createRealm(join(dir, "realm"), { profile: "textbook" }, NOW);
});
afterAll(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));

/** What a writer acknowledged before it was killed: the highest number of each kind. */
type Acknowledged = Readonly<Record<string, number>>;

/** Starts a writer, and kills it after so many acknowledgements; those that came after count too. */
async function killedAfter(name: string, count: number): Promise<Acknowledged> {
  const child = spawn(process.execPath, [join(dir, "writer.mjs"), dir, name], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk) => (said += chunk));
  const acknowledged: Record<string, number> = {};
  const ended = once(child, "exit");
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [kind, number] = line.split(" ");
    acknowledged[kind!] = Number(number);
    seen += 1;
    if (seen === count) child.kill("SIGKILL");
  }
  expect((await ended)[1], said).toBe("SIGKILL");
  return acknowledged;
}

describe("after kill -9", () => {
  const openings: number[] = [];
  afterAll(() => {
    const sorted = openings.toSorted((a, b) => a - b);
    console.log(`killed: ${sorted.length} rounds, open after ${Math.round(sorted.at(-1) ?? 0)} ms at most`);
  });

  test(`${KILLS} rounds, every third one beside a second process`, {
    timeout: Math.max(PATIENCE, KILLS * 20_000),
  }, async () => {
    for (let round = 0; round < KILLS; round++) {
      const count = 8 + ((SEED + round * 7919) % 23);
      const names = round % 3 === 2 ? [`r${round}a`, `r${round}b`] : [`r${round}`];
      const told = await Promise.all(names.map((name, i) => killedAfter(name, count + 5 * i)));
      const began = performance.now();
      const directory = await openRealmDirectory(join(dir, "realm"));
      const realm = await openRealm(directory);
      openings.push(performance.now() - began);
      // A roll-over that was interrupted is finished by the next.
      if (round % 4 === 3) await newMasterKey(directory);
      await using _ = realm;
      for (const [i, name] of names.entries()) await check(realm, name, told[i]!);
    }
  });

  async function check(realm: Awaited<ReturnType<typeof openRealm>>, name: string, told: Acknowledged) {
    const of = (kind: string) => told[kind] ?? 0;
    /** What was acknowledged, or the one change after it, which was under way. */
    const either = (kind: string) => [of(kind), of(kind) + 1];
    for (let n = 1; n <= of("addprinc"); n++)
      expect((await realm.principals.get(named(`added-${name}-${n}`)))?.keys.length).toBeGreaterThan(0);

    const user = (await realm.principals.get(named(`user-${name}`)))!;
    const newest = user.keys.at(0)!;
    const passwords = await Promise.all(
      either("cpw").map((n) => passwordPrincipal(user.principal, `password ${n}`, [3], NOW)),
    );
    const fits = passwords.map(
      ({ keys }) => Buffer.compare(keys[0]!.key.exportBytes(), newest.key.exportBytes()) === 0,
    );
    expect(fits).toContain(true);
    expect(newest.kvno).toBe(of("cpw") + fits.indexOf(true) + 1);

    const service = (await realm.principals.get(named(`service-${name}/localhost`)))!;
    expect(either("modprinc")).toContain((service.maxLife ?? 0) / 1000);

    const replays = await StoreReplayCache.open(await openLmdbStore(join(dir, "replays")), { skew: 300_000 });
    for (let n = 1; n <= of("replay"); n++) {
      const again = replays.store(Buffer.from(`${name} ${n}`.padEnd(16)), NOW, NOW + 300_000, NOW);
      await expect(again).rejects.toMatchObject({ reason: "KRB_AP_ERR_REPEAT" });
    }
    await replays.close();

    const attempts = await LoginAttempts.open(join(dir, "attempts"));
    expect(either("attempt")).toContain(attempts.of(user.principal).failures);
    attempts.close();

    const login = await fileCache(join(dir, `cc-${name}`)).load();
    const [ticket] = login?.credentials ?? [];
    const number = ticket === undefined ? 0 : (ticket.endtime - NOW) / 1000;
    expect(either("ccache")).toContain(number);
    expect(ticket?.ticket.subarray(1).every((byte) => byte === number) ?? true).toBe(true);

    if (of("keytab") === 0) return;
    const entries = parseKeytab(new Uint8Array(readFileSync(join(dir, `keytab-${name}`))));
    const held = (kvno: number) => entries.find((entry) => entry.kvno === kvno)?.key.exportBytes();
    // The keytab has the realm's key before the realm does.
    for (const { kvno, key } of service.keys.filter((one) => one.kvno === service.keys[0]!.kvno))
      expect(held(kvno)).toEqual(key.exportBytes());
    expect(service.keys[0]!.kvno).toBeGreaterThanOrEqual(of("keytab") + 1);
  }
});
