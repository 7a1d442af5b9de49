// `tessera serve --workers`: what a login costs with one worker and with two, and how they share the work.
//
// A worker that has much to do works on calls together that came together, and saves by it. So cost is
// compared where each worker has as much to do, one of two as the one alone: by a fixed number of logins a
// second for each, below what saturates the machine. What saturates it is printed beside that: on two cores
// the generator and two workers get in each other's way.
import { readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Load } from "../overload/h2-load.mjs";
import { makeFilledRealm } from "./filled-realm.mjs";
import { cpuOf } from "./processes.mjs";
import { median } from "./report.mjs";
import { TesseraSide } from "./sides.mjs";
import { startTesseraKdc } from "./tessera-kdc.mjs";
import { AS_PATH, asReq } from "./tessera-messages.mjs";
import { chunks, walk } from "./users.mjs";

const USERS = 1_000;
/** Of a run that saturates the server; of one at a fixed rate, for each worker. */
const CONNECTIONS = 32;
const CONNECTIONS_EACH = 16;
/** Logins a second for each worker. */
const PER_SECOND_EACH = 400;
/** What a request may cost with two workers, of what it costs with one. */
const TARGET = 1.18;
const SPREAD_TARGET = 1.2;

export async function withWorkers(folder, { rounds, requests, warmUp }, report) {
  const dir = join(folder, "workers");
  await makeFilledRealm(dir, USERS);
  const servers = [];
  try {
    for (const workers of [1, 2]) {
      const kdc = await startTesseraKdc(dir, ["--workers", String(workers)]);
      const side = new TesseraSide(kdc, CONNECTIONS);
      for (const some of chunks(walk(USERS, 0, workers * warmUp), requests)) await side.logIn(some);
      servers.push({ workers, kdc, side });
    }
    report.head(
      `Workers: AS requests, ${PER_SECOND_EACH} a second and ${CONNECTIONS_EACH} connections for each; ` +
        "CPU in µs, of all processes of the server",
    );
    await compare(servers, rounds, (server, round) => atRate(server, round, requests), report);
    report.head(`AS requests that saturate it, over ${CONNECTIONS} connections`);
    await compare(servers, rounds, (server, round) => saturated(server, round, requests), report);
  } finally {
    for (const { kdc } of servers) await kdc.stop();
    rmSync(dir, { recursive: true });
  }
}

async function compare(servers, rounds, run, report) {
  const found = servers.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, server] of servers.entries()) found[i].push(await run(server, round));
  for (const [i, { workers }] of servers.entries())
    report.row(`${workers} ${workers === 1 ? "worker" : "workers"}`, {
      "logins a second": median(found[i].map(({ perSecond }) => perSecond)),
      CPU: median(found[i].map(({ cpu }) => cpu)),
      refused: found[i].reduce((sum, { refused }) => sum + refused, 0),
    });
  const [single, pair] = found;
  const ratio = median(pair.map(({ cpu }, i) => cpu / single[i].cpu));
  report.row("CPU a login, two workers to one", { ratio }, ["ratio", TARGET]);
  const spread = (of) => median(pair.map((one) => Math.max(...one[of]) / Math.min(...one[of])));
  report.row("CPU of the busier of two to the other's", { ratio: spread("used") }, ["ratio", SPREAD_TARGET]);
  const connections = pair.flatMap((one) => (one.connections === undefined ? [] : [one.connections]));
  if (connections.length > 0)
    report.row("connections of the two", {
      most: Math.max(...connections.flat()),
      fewest: Math.min(...connections.flat()),
    });
}

/** What the processes of a server use while `work` runs. */
async function measured({ pids }, work) {
  const before = pids.map((pid) => cpuOf([pid]));
  const result = await work();
  const all = pids.map((pid, i) => cpuOf([pid]) - before[i]);
  // The first is the primary, which serves nobody.
  return { result, all: all.reduce((sum, cpu) => sum + cpu, 0), used: all.slice(1) };
}

/** Logins at a fixed rate for each worker. */
async function atRate({ workers, kdc }, round, requests) {
  const perSecond = workers * PER_SECOND_EACH;
  const count = workers * requests;
  const messages = walk(USERS, round * count, 2 * count).map((i) => framed(asReq(i).bytes));
  const open = kdc.pids.map(socketsOf);
  const load = new Load({
    port: Number(kdc.addresses.as.split(":").at(-1)),
    path: AS_PATH,
    deadlineMs: 5_000,
    connections: workers * CONNECTIONS_EACH,
    message: () => messages.pop(),
  });
  try {
    await load.connected();
    const connections = kdc.pids.map((pid, i) => socketsOf(pid) - open[i]).slice(1);
    const began = performance.now();
    const { all, used } = await measured(kdc, () => load.offer(perSecond, (count / perSecond) * 1_000));
    const { served, refused, late, broken } = load.counts;
    const seconds = (performance.now() - began) / 1_000;
    const notServed = refused + late + broken;
    return { cpu: all / served, perSecond: served / seconds, used, connections, refused: notServed };
  } finally {
    load.close();
  }
}

/** As many as the server can do. */
async function saturated({ kdc, side }, round, requests) {
  const { result, used } = await measured(kdc, () => side.logIn(walk(USERS, round * requests, requests)));
  return { cpu: result.cost.cpu, perSecond: result.cost.perSecond, used, refused: 0 };
}

/** A message with gRPC's five bytes before it. */
function framed(bytes) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** How many sockets a process has open. */
function socketsOf(pid) {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(join(folder, fd)).startsWith("socket:");
    } catch {
      return false; // Closed meanwhile.
    }
  }).length;
}
