// What each entry of the caches takes in memory, against what it counts for there. `npm run bench:memory`;
// options: --json, --count 4000.
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { etypeOf } from "../../dist/protocol/etypes.js";
import { KeyUsage } from "../../dist/protocol/key-usage.js";
import { Key, randomKey } from "../../dist/protocol/keys.js";
import { parsePrincipal } from "../../dist/protocol/principal.js";
import { currentKeys, emptyEntry } from "../../dist/protocol/principal-entry.js";
import { deriveSessionKeys, newSessionId } from "../../dist/protocol/session-keys.js";
import { makeTicket } from "../../dist/protocol/ticket.js";
import { factsOf } from "../../dist/services/guard/held-ticket.js";
import { SessionTable } from "../../dist/services/guard/sessions.js";
import { TakenTags } from "../../dist/services/guard/taken-tags.js";
import { TicketCache } from "../../dist/services/ticket-cache.js";
import { MasterKey } from "../../dist/store/master-key.js";
import { openMemoryStore } from "../../dist/store/memory-store.js";
import { PrincipalStore } from "../../dist/store/principal-store.js";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    count: { type: "string", default: "4000" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`Use: npm run bench:memory [-- --json] [--count 4000]

Prints how many bytes each entry of the caches takes (AES256_CTS_HMAC_SHA384_192), after garbage collection:
V8's heap with what it keeps outside of it, and the whole process, which adds OpenSSL's part and what the
allocator has not given back. --count sets how many entries are made; --json prints the same for machines.`);
  process.exit(0);
}
const COUNT = Number(values.count);
const ETYPE = etypeOf(20);
const NOW = Date.now();
const HOUR = 3_600_000;
const ENOUGH = 2 ** 40;
const principal = (name) => parsePrincipal(`${name}@BENCH.EXAMPLE`, "principal");
const SERVICE = {
  principal: principal("orders/api.example.test"),
  keys: [{ kvno: 1, key: randomKey(ETYPE) }],
};

const contents = (i) => ({
  client: principal(`user${i}`),
  server: SERVICE.principal,
  sessionKey: randomKey(ETYPE),
  flags: [],
  authtime: NOW,
  starttime: NOW,
  endtime: NOW + 10 * HOUR,
  renewTill: undefined,
  addresses: [],
  authorizationData: [],
});
const tickets = Array.from({ length: COUNT }, (_, i) => makeTicket(contents(i), SERVICE.keys[0]));

/** What a client sends under a session key; the key that it was made with is let go. */
function authenticatorUnder(key) {
  return new Key(ETYPE, key.exportBytes()).cipher.encrypt(KeyUsage.AP_REQ_AUTHENTICATOR, new Uint8Array(100));
}

/** Does with a session key what a one-shot call does. */
function use(key) {
  key.cipher.decrypt(KeyUsage.AP_REQ_AUTHENTICATOR, authenticatorUnder(key));
  key.cipher.verifyChecksum(KeyUsage.AP_REQ_CHECKSUM, new Uint8Array(60), new Uint8Array(24));
  key.cipher.encrypt(KeyUsage.AP_REP, new Uint8Array(60));
}

function openedTickets(count) {
  const cache = new TicketCache({ clockSkew: 0, bytes: ENOUGH });
  for (let i = 0; i < count; i++) use(cache.open(tickets[i], SERVICE, [20], NOW).sessionKey);
  return cache;
}

/** A table of sessions, each of a client of its own; under each so many numbers are missing. */
function sessions(count, missing) {
  const table = new SessionTable({ bytes: ENOUGH });
  for (let i = 0; i < count; i++) {
    const id = newSessionId();
    const keys = deriveSessionKeys({
      clientSubkey: randomKey(ETYPE),
      serviceSubkey: randomKey(ETYPE),
      id,
      apReq: randomBytes(400),
      apRep: randomBytes(200),
    });
    const ticket = factsOf(contents(i));
    const ticketBytes = Uint8Array.from(tickets[i]);
    const { keys: serviceKeys } = SERVICE;
    table.add({ id, keys, ticket, ticketBytes, authorizationData: [], serviceKeys }, 0);
    const { numbers } = table.find(id, 0);
    for (let number = 1; number <= missing; number++) numbers.take(2 * number);
  }
  return table;
}

function takenTags(count) {
  const tags = new TakenTags(count);
  for (let i = 0; i < count; i++) tags.take([randomBytes(16)], 0);
  return tags;
}

/** A store whose principals were all asked for, and whose keys were used. */
async function principals(count) {
  const store = new PrincipalStore(openMemoryStore(), new MasterKey(randomBytes(32)), ENOUGH);
  for (let i = 0; i < count; i++) {
    const name = principal(`user${i}`);
    const keys = [20, 19].map((etype) => ({ kvno: 1, key: randomKey(etypeOf(etype)) }));
    await store.create({ ...emptyEntry(name, NOW), keys });
    const [{ key }] = currentKeys(await store.get(name));
    const own = new Key(ETYPE, key.exportBytes());
    key.cipher.decrypt(
      KeyUsage.PA_ENC_TIMESTAMP,
      own.cipher.encrypt(KeyUsage.PA_ENC_TIMESTAMP, new Uint8Array(60)),
    );
    key.cipher.encrypt(KeyUsage.AS_REP, new Uint8Array(60));
  }
  return store;
}

async function settled() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { v8: heapUsed + external, rss };
}

if (globalThis.gc === undefined) throw new Error("run it with node --expose-gc");
const kinds = {
  "opened ticket": [COUNT, openedTickets],
  session: [COUNT, (count) => sessions(count, 0)],
  "session, 1,024 numbers missing": [COUNT / 4, (count) => sessions(count, 1024)],
  "taken tag": [COUNT, takenTags],
  "principal, its record included": [COUNT, principals],
};
const kept = [];
const rows = [];
for (const [kind, [count, make]] of Object.entries(kinds)) {
  const before = await settled();
  kept.push(await make(count));
  const after = await settled();
  rows.push({ kind, bytes: (after.v8 - before.v8) / count, process: (after.rss - before.rss) / count });
}
if (values.json) console.log(JSON.stringify(rows, undefined, 2));
else {
  console.log(
    `Bytes an entry, ${COUNT} of each (a quarter of those with missing numbers). Node ${process.version}`,
  );
  console.log(`${"".padEnd(34)}      V8  process`);
  for (const { kind, bytes, process } of rows)
    console.log(`${kind.padEnd(34)}${bytes.toFixed(0).padStart(8)}${process.toFixed(0).padStart(9)}`);
}
