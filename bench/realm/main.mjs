// What a KDC costs as its realm grows, beside MIT's krb5kdc in the same run. `npm run bench:realm`; options:
// --quick, --json, --only PARTS, --principals 1000,1000000, --active 100000, --users 100000.
//
// Rounds of ours and of MIT's alternate, and ratios are taken within a round: what else the machine does
// weighs on both alike. CPU is that of all threads of the server's processes, as the system counts it.
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { besideMit, loginsWithTickets } from "./beside-mit.mjs";
import { growing } from "./growing.mjs";
import { HAS_MIT } from "./mit-kdc.mjs";
import { Report } from "./report.mjs";
import { withWorkers } from "./with-workers.mjs";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean" },
    json: { type: "boolean" },
    only: { type: "string", default: "growing,mit,users,workers" },
    principals: { type: "string" },
    active: { type: "string" },
    users: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Use: npm run bench:realm [-- --quick] [--json] [--only growing,mit,users,workers]
     [--principals 1000,10000,100000,1000000] [--active 100000] [--users 100000]

  growing  realms of so many principals on LMDB and PostgreSQL: time to open, memory, CPU of an AS request with
           100 users and with all of them active (no more than --active)
  mit      CPU of AS and TGS requests to that of MIT's krb5kdc, with 100 and with --active users
  users    a login and tickets for five services, --users times: CPU a user, beside krb5kdc
  workers  logins with one worker and with two: CPU, and how they share it

--quick takes smaller realms and fewer samples, some minutes in all. --json prints the same for machines.`);
  process.exit(0);
}

const numbers = (text) => text.split(",").map(Number);
const size = values.quick
  ? { principals: [1_000, 10_000], active: 10_000, users: 2_000, rounds: 5, requests: 1_000, warmUp: 12_000 }
  : {
      principals: [1_000, 10_000, 100_000, 1_000_000],
      active: 100_000,
      users: 100_000,
      rounds: 15,
      requests: 3_000,
      warmUp: 12_000,
    };
if (values.principals !== undefined) size.principals = numbers(values.principals);
if (values.active !== undefined) size.active = Number(values.active);
if (values.users !== undefined) size.users = Number(values.users);
const only = values.only.split(",");

const report = new Report(values.json);
const folder = mkdtempSync(join(tmpdir(), "tessera-realm-"));
const began = loadavg()[0];
try {
  report.head(
    `Node ${process.versions.node}, ${availableParallelism()} × ${cpus()[0].model}, load ${began.toFixed(1)}`,
  );
  if (only.includes("growing")) await growing(folder, size, report);
  if (!HAS_MIT) report.head("MIT's krb5kdc is not here (Debian: krb5-kdc, krb5-admin-server)");
  if (only.includes("mit") && HAS_MIT) await besideMit(folder, size, report);
  if (only.includes("users")) await loginsWithTickets(folder, size, report);
  if (only.includes("workers")) await withWorkers(folder, size, report);
  report.head(`load at the end ${loadavg()[0].toFixed(1)}`);
} finally {
  rmSync(folder, { recursive: true });
}
report.end();
