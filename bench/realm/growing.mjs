// Realms that grow: what it takes to open one, to hold it, and to log in to it.
import { execFileSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFilledRealm } from "./filled-realm.mjs";
import { HAS_POSTGRES, startPostgres } from "./postgres.mjs";
import { median } from "./report.mjs";
import { TesseraSide } from "./sides.mjs";
import { startTesseraKdc } from "./tessera-kdc.mjs";
import { chunks, walk } from "./users.mjs";

const OPEN = fileURLToPath(new URL("open.mjs", import.meta.url));
const FEW = 100;
/** What AS requests of all users may cost, of what those of a hundred do. */
const TARGET = 1.3;

export async function growing(folder, size, report) {
  report.head("A realm that grows: AS requests on one connection, 32 in flight; CPU in µs, memory in MiB");
  for (const principals of size.principals) {
    const dir = join(folder, "growing");
    await makeFilledRealm(dir, principals);
    await one(`${principals} principals, LMDB`, dir, principals, size, report);
    rmSync(dir, { recursive: true });
  }
  if (!HAS_POSTGRES) {
    report.head("PostgreSQL is not here (Debian: postgresql)");
    return;
  }
  chmodSync(folder, 0o755);
  for (const principals of size.principals) {
    const postgres = await startPostgres(folder);
    try {
      const dir = join(folder, "growing");
      await makeFilledRealm(dir, principals, postgres.database);
      await one(`${principals} principals, PostgreSQL`, dir, principals, size, report);
      rmSync(dir, { recursive: true });
    } finally {
      await postgres.stop();
    }
  }
}

async function one(name, dir, principals, { active, rounds, requests, warmUp }, report) {
  const openMs = Number(execFileSync(process.execPath, [OPEN, dir], { encoding: "utf8" }));
  const all = Math.min(principals, active);
  // One process for either, since what users have been leaves its traces in caches.
  const sides = [];
  for (const users of [FEW, all]) {
    const kdc = await startTesseraKdc(dir);
    const side = new TesseraSide(kdc, 1);
    report.progress(`${name}: ${users} users warm up`);
    for (const some of chunks(walk(users, 0, Math.max(warmUp, users)), requests)) await side.logIn(some);
    sides.push({ kdc, side, users, at: 0, cpu: [] });
  }
  for (let round = 0; round < rounds; round++)
    for (const one of sides) {
      report.progress(`${name}: round ${round + 1} of ${rounds}`);
      const { cost } = await one.side.logIn(walk(one.users, one.at, requests));
      one.at += requests;
      one.cpu.push(cost.cpu);
    }
  const [few, many] = sides;
  const { own, files } = many.kdc.memory();
  for (const { kdc } of sides) await kdc.stop();
  report.row(
    name,
    {
      "open ms": openMs,
      [`AS ${FEW} active`]: median(few.cpu),
      [`AS ${all} active`]: median(many.cpu),
      ratio: median(many.cpu.map((cpu, i) => cpu / few.cpu[i])),
      "own MiB": own,
      "files MiB": files,
    },
    ["ratio", TARGET],
  );
}
