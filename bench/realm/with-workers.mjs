// `tessera serve --workers`: logins a second, and what they cost, with one worker and with two.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { makeFilledRealm } from "./filled-realm.mjs";
import { cpuOf } from "./processes.mjs";
import { median } from "./report.mjs";
import { TesseraSide } from "./sides.mjs";
import { startTesseraKdc } from "./tessera-kdc.mjs";
import { chunks, walk } from "./users.mjs";

const USERS = 1_000;
const CONNECTIONS = 32;
/** What a request may cost with two workers, of what it costs with one. */
const TARGET = 1.18;

export async function withWorkers(folder, { rounds, requests, warmUp }, report) {
  report.head(
    `Workers: AS requests over ${CONNECTIONS} connections; CPU in µs, of all processes of the server`,
  );
  const dir = join(folder, "workers");
  await makeFilledRealm(dir, USERS);
  const sides = [];
  try {
    for (const workers of [1, 2]) {
      const kdc = await startTesseraKdc(dir, ["--workers", String(workers)]);
      const side = new TesseraSide(kdc, CONNECTIONS);
      for (const some of chunks(walk(USERS, 0, workers * warmUp), requests)) await side.logIn(some);
      sides.push({ workers, kdc, side, cpu: [], perSecond: [], spread: [] });
    }
    for (let round = 0; round < rounds; round++)
      for (const one of sides) {
        const before = one.kdc.pids.map((pid) => cpuOf([pid]));
        const { cost } = await one.side.logIn(walk(USERS, round * requests, requests));
        // The first is the primary, which serves nobody.
        const used = one.kdc.pids.map((pid, i) => cpuOf([pid]) - before[i]).slice(1);
        one.cpu.push(cost.cpu);
        one.perSecond.push(cost.perSecond);
        if (used.length > 1) one.spread.push(Math.max(...used) / Math.min(...used));
      }
    const [single, pair] = sides;
    for (const { workers, cpu, perSecond } of sides)
      report.row(`${workers} ${workers === 1 ? "worker" : "workers"}`, {
        "logins a second": median(perSecond),
        CPU: median(cpu),
      });
    const ratio = median(pair.cpu.map((cpu, i) => cpu / single.cpu[i]));
    report.row("CPU a login, two workers to one", { ratio }, ["ratio", TARGET]);
    report.row("the busier of two to the other", { ratio: median(pair.spread) }, ["ratio", 1.2]);
  } finally {
    for (const { kdc } of sides) await kdc.stop();
    rmSync(dir, { recursive: true });
  }
}
