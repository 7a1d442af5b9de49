// What a call costs the server that comes over a connection of its own: `npm run bench:connections`; options:
// --quick, --json, --at-once 4, --help.
//
// CPU of all threads of the server's process, as the system counts it; rounds of the servers alternate, and
// ratios are taken within a round. The median of the rounds counts.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RawConnection } from "../guard/raw-calls.mjs";
import { makeFilledRealm } from "../realm/filled-realm.mjs";
import { cpuOf } from "../realm/processes.mjs";
import { median, Report } from "../realm/report.mjs";
import { startTesseraKdc } from "../realm/tessera-kdc.mjs";
import { AS_PATH, asReq } from "../realm/tessera-messages.mjs";
import { walk } from "../realm/users.mjs";
import { callAnew } from "./new-connections.mjs";

const USERS = 1_000;
const EMPTY_PATH = "/bench.Empty/Call";
/** What a call of the AS may cost over a new connection, of an empty call to a bare server. */
const TARGET = 1.5;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean" },
    json: { type: "boolean" },
    "at-once": { type: "string", default: "4" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Use: npm run bench:connections [-- --quick] [--json] [--at-once 4]

A new connection for each call, --at-once of them at a time, and for comparison calls over connections that
stay: to the AS of \`tessera serve\`, its log in a file, to a bare grpc-js server that answers with as many
bytes, and to one with this project's settings and limits. --quick takes fewer rounds, about a minute.`);
  process.exit(0);
}
const atOnce = Number(values["at-once"]);
const size = values.quick ? { rounds: 9, warmUp: 6, calls: 500 } : { rounds: 25, warmUp: 10, calls: 1_000 };

/** The calls over connections that stay, which are all open before the first is sent. */
async function callOver(address, path, requests) {
  const connections = await Promise.all(
    Array.from({ length: atOnce }, () => RawConnection.open(address, path)),
  );
  let refused = 0;
  await Promise.all(
    connections.map(async (connection, c) => {
      const own = requests.filter((_, i) => i % atOnce === c);
      const calls = own.map((request) => connection.makeCall(request, {}));
      await connection.settled();
      await connection.send(calls, 1).catch(() => {
        refused += calls.length;
      });
    }),
  );
  for (const connection of connections) connection.close();
  return { refused };
}

async function startEmpty(kind, bytes) {
  const child = fork(fileURLToPath(new URL("empty-server.mjs", import.meta.url)), [kind, String(bytes)]);
  const [{ address }] = await once(child, "message");
  return { address, pids: [child.pid], path: EMPTY_PATH, stop: () => child.kill() };
}

async function startAs(folder) {
  const dir = join(folder, "realm");
  await makeFilledRealm(dir, USERS);
  const kdc = await startTesseraKdc(dir);
  return { address: kdc.addresses.as, pids: kdc.pids, path: AS_PATH, stop: kdc.stop };
}

const report = new Report(values.json);
const folder = mkdtempSync(join(tmpdir(), "tessera-connections-"));
const servers = {};
try {
  const processor = `${availableParallelism()} × ${cpus()[0].model}`;
  report.head(`Node ${process.versions.node}, ${processor}, load ${loadavg()[0].toFixed(1)}`);
  servers.as = await startAs(folder);
  const { answerBytes } = await callAnew(servers.as.address, AS_PATH, [asReq(0).bytes], 1);
  // gRPC's own five bytes come on top.
  for (const kind of ["bare", "ours"]) servers[kind] = await startEmpty(kind, answerBytes - 5);
  const found = await measure();
  report.head(`CPU of the server in µs a call, ${atOnce} at a time; refused: ${found.refused} calls`);
  tell("a bare server", found.bare);
  tell("an empty call behind our limits", found.ours);
  tell("the AS", found.as);
  report.row("the AS to a bare server, new connections", { ratio: found.ratio("as", "anew") }, [
    "ratio",
    TARGET,
  ]);
  report.row("behind our limits to a bare server", { ratio: found.ratio("ours", "anew") });
  report.row("the AS to a bare server, connections that stay", { ratio: found.ratio("as", "stay") });
  report.head(`load at the end ${loadavg()[0].toFixed(1)}`);
} finally {
  for (const { stop } of Object.values(servers)) await stop();
  rmSync(folder, { recursive: true });
}
report.end();

function tell(name, { anew, stay }) {
  const added = median(anew.map((cpu, i) => cpu - stay[i]));
  report.row(name, { "new connection": median(anew), "one that stays": median(stay), difference: added });
}

async function measure() {
  const found = { refused: 0 };
  for (const name of Object.keys(servers)) found[name] = { anew: [], stay: [] };
  const requestsOf = (round) => walk(USERS, round * size.calls, size.calls).map((i) => asReq(i).bytes);
  for (let round = 0; round < size.warmUp + size.rounds; round++)
    for (const [name, { address, path, pids }] of Object.entries(servers))
      for (const way of ["anew", "stay"]) {
        const requests = requestsOf(round);
        const before = cpuOf(pids);
        const { refused } =
          way === "anew"
            ? await callAnew(address, path, requests, atOnce)
            : await callOver(address, path, requests);
        const cpu = (cpuOf(pids) - before) / requests.length;
        found.refused += refused;
        if (round >= size.warmUp) found[name][way].push(cpu);
        report.progress(`round ${round + 1} of ${size.warmUp + size.rounds}: ${name}`);
      }
  found.ratio = (name, way) => median(found[name][way].map((cpu, i) => cpu / found.bare[way][i]));
  return found;
}
