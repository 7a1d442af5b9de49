// A large realm moved: `tessera realm dump`, `load`, `check`, `copy`, each a process of its own, with its
// time, its CPU and its memory. `npm run bench:realm:move`; options: --json, --principals 1000000, --dir DIR.
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRealmDirectory, openRealmDirectory } from "../../dist/realm/realm-directory.js";
import { copyMasterKeys } from "../../dist/store/master-key.js";
import { makeFilledRealm, REALM } from "./filled-realm.mjs";
import { HAS_POSTGRES, startPostgres } from "./postgres.mjs";
import { cpuOf, memoryOf } from "./processes.mjs";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    principals: { type: "string", default: "1000000" },
    realm: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Use: npm run bench:realm:move [-- --json] [--principals 1000000] [--realm DIR]

Makes a realm with so many principals in the temporary folder (or takes the one in DIR), dumps it, loads the dump,
opens and checks what was loaded; then copies it to PostgreSQL, dumps that and loads it there, where there is
PostgreSQL. Memory is the most that was seen, in tens of milliseconds: of the process's own, and of files' pages.`);
  process.exit(0);
}

const TESSERA = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const OPEN = fileURLToPath(new URL("open.mjs", import.meta.url));
const TARGETS = { dump: 120, load: 120 };
const say = (line) => values.json || console.log(line);
const results = [];

const folder = mkdtempSync(join(tmpdir(), "tessera-move-"));
chmodSync(folder, 0o755);
try {
  const principals = Number(values.principals);
  const source = values.realm ?? join(folder, "realm");
  if (values.realm === undefined) await makeFilledRealm(source, principals);
  const directory = await openRealmDirectory(source);
  const dump = join(folder, "dump");
  const masterKey = directory.masterKeyFile;
  say(`${new Date().toISOString().slice(0, 16)}, ${principals} principals, load ${loadavg()[0].toFixed(1)}`);
  say(`  ${"".padEnd(26)}      s   CPU s    MiB of its own, of files`);
  await step("LMDB: dump", TARGETS.dump, ["realm", "dump", "--dir", source, dump]);
  const loaded = join(folder, "loaded");
  await step("LMDB: load", TARGETS.load, ["realm", "load", "--dir", loaded, "--master-key", masterKey, dump]);
  await open("LMDB: open", loaded);
  await step("LMDB: show", undefined, ["realm", "show", "--dir", loaded]);
  await step("LMDB: check", undefined, ["realm", "check", "--dir", loaded]);
  rmSync(loaded, { recursive: true });
  if (HAS_POSTGRES) await onPostgres(directory, dump, masterKey);
  else say("  PostgreSQL is not here");
} finally {
  rmSync(folder, { recursive: true });
}
if (values.json) console.log(JSON.stringify(results, undefined, 2));

async function onPostgres(directory, dump, masterKey) {
  const postgres = await startPostgres(folder);
  try {
    const url = postgres.url(REALM);
    await step("PostgreSQL: copy", undefined, ["realm", "copy", directory.principals, url]);
    const settings = { ...directory.settings, database: postgres.database };
    const copyKey = (file) => copyMasterKeys(masterKey, file);
    const copied = await createRealmDirectory(join(folder, "copied"), settings, async () => {}, copyKey);
    await open("PostgreSQL: open", copied.dir);
    await step("PostgreSQL: dump", TARGETS.dump, ["realm", "dump", "--dir", copied.dir, `${dump}2`]);
    await step("PostgreSQL: check", undefined, ["realm", "check", "--dir", copied.dir]);
    postgres.clear();
    const { createStore } = await import("../../dist/store/open-store.js");
    await (await createStore(url)).close();
    await step("PostgreSQL: load", TARGETS.load, ["realm", "load", "--dir", copied.dir, dump]);
  } finally {
    await postgres.stop();
  }
}

/** Runs a command to its end. @param target in seconds */
async function step(name, target, words) {
  const { seconds, cpu, own, files } = await watched([TESSERA, ...words]);
  results.push({ name, seconds, cpu, own, files, target });
  const goal =
    target === undefined ? "" : `  at most ${target} s: ${seconds <= target ? "reached" : "missed"}`;
  say(
    `  ${name.padEnd(26)}${seconds.toFixed(1).padStart(7)}${cpu.toFixed(1).padStart(8)}${String(own).padStart(8)} ${String(files).padStart(8)}${goal}`,
  );
}

/** How long it takes to open a realm, until its TGS is read, in a process that has loaded its modules. */
async function open(name, dir) {
  const { stdout } = await watched([OPEN, dir]);
  const seconds = Number(stdout) / 1000;
  results.push({ name, seconds, target: 1 });
  say(
    `  ${name.padEnd(26)}${seconds.toFixed(3).padStart(9)}${" ".repeat(24)}at most 1 s: ${seconds <= 1 ? "reached" : "missed"}`,
  );
}

async function watched(args) {
  const began = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const seen = { cpu: 0, own: 0, files: 0 };
  const watch = setInterval(() => {
    try {
      const { own, files } = memoryOf([child.pid]);
      seen.cpu = cpuOf([child.pid]) / 1e6;
      seen.own = Math.max(seen.own, own);
      seen.files = Math.max(seen.files, files);
    } catch {
      // It has ended.
    }
  }, 50);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
  return { ...seen, seconds: (performance.now() - began) / 1000, stdout };
}
