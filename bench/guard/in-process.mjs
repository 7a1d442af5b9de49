// A measured process without a socket: a guard's checks and its AP-REP, and the peers' verification of a
// token. It answers `{ run, count }` with the CPU time per operation, all threads of the process together.

import { sha256 } from "../../dist/crypto/hash.js";
import { replayRecord } from "../../dist/protocol/ap-exchange.js";
import { makeApProof } from "../../dist/protocol/ap-rep.js";
import {
  makeCallApReq,
  openCallApReq,
  readApReq,
  verifyCallApReq,
} from "../../dist/protocol/call-binding.js";
import { TicketCache } from "../../dist/services/ticket-cache.js";
import { MemoryReplayCache } from "../../dist/store/replay/memory-replay-cache.js";
import { credentialsOf, ETYPE, issue, makeServiceKeys } from "./ticket.mjs";
import { makeVerifiers } from "./tokens.mjs";

const IN_FLIGHT = 32;
const SKEW = 300_000;

const service = makeServiceKeys();
const credentials = credentialsOf(issue(service));
const tickets = new TicketCache({ clockSkew: SKEW });
const replayCache = new MemoryReplayCache({ skew: SKEW, startedAt: Date.now(), restart: "fresh" });
const call = {
  method: "/bench.Orders/Call",
  requestStream: false,
  responseStream: false,
};
const request = Buffer.alloc(256, 7);
const authority = "orders.example.test";
const facts = { ...call, authority, protection: "authenticate", requestSha256: sha256(request) };
const policy = { service, permittedEtypes: [ETYPE], clockSkew: SKEW, peerAddress: "127.0.0.1" };

/** Admits a call as the guard does, from the bytes of its AP-REQ to the bytes of the AP-REP. */
async function admit(bytes, opener) {
  const now = Date.now();
  const apReq = readApReq(bytes);
  const own = { ...policy, openTicket: opener };
  const opened = openCallApReq(apReq, own, now);
  const binding = { ...call, requestSha256: sha256(request), authorities: [authority] };
  const verified = verifyCallApReq(apReq, opened, binding, own, now);
  const { tag, ctime, expiry } = replayRecord(verified, own.clockSkew);
  await replayCache.store(tag, ctime, expiry, now);
  return makeApProof(verified);
}

const verifiers = await makeVerifiers();
const OURS = { "guard, ticket seen before": tickets.open, "guard, ticket never seen": undefined };

/** Fresh inputs for `count` operations, made before the clock runs. */
function prepare(name, count) {
  if (!Object.hasOwn(OURS, name)) return verifiers[name];
  const requests = Array.from({ length: count }, () =>
    Buffer.from(makeCallApReq(credentials, facts, undefined, Date.now()).bytes),
  );
  return (i) => admit(requests[i], OURS[name]);
}

/** Runs like a server under load, with many calls waiting at a time. */
async function runAll(operation, count) {
  for (let i = 0; i < count; i += IN_FLIGHT)
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count - i) }, (_, j) => operation(i + j)));
}

process.on("disconnect", () => process.exit(0));
process.on("message", async ({ run, count }) => {
  if (run === "end") process.exit(0);
  const operation = prepare(run, count);
  const before = process.cpuUsage();
  await runAll(operation, count);
  const { user, system } = process.cpuUsage(before);
  process.send({ us: (user + system) / count });
});
process.send({ names: [...Object.keys(OURS), ...Object.keys(verifiers)] });
