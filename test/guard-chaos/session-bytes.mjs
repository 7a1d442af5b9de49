// What a session costs the service, in bytes: `node --expose-gc session-bytes.mjs`. Prints it, and exits with 1
// where the table holds more than 100,000.
import { randomBytes } from "node:crypto";
import { AttemptNumbers } from "../../dist/protocol/attempt-numbers.js";
import { etypeOf } from "../../dist/protocol/etypes.js";
import { randomKey } from "../../dist/protocol/keys.js";
import { deriveSessionKeys } from "../../dist/protocol/session-keys.js";
import { SessionTable } from "../../dist/services/guard/sessions.js";

const CAPACITY = 100_000;
const SAMPLE = 5_000;
/** AES256_CTS_HMAC_SHA384_192. */
const ETYPE = etypeOf(20);
const TICKET_BYTES = 400;

const subkeys = () => ({ clientSubkey: randomKey(ETYPE), serviceSubkey: randomKey(ETYPE) });
const exchange = { apReq: randomBytes(700), apRep: randomBytes(200) };

function used() {
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Bytes for each of `count` that `make` makes and that are kept. */
function bytesOfEach(count, make) {
  const before = used();
  const kept = make(count);
  const bytes = (used() - before) / count;
  // Kept until here.
  return kept === undefined ? Number.NaN : Math.round(bytes);
}

function newSession(i, keys) {
  const id = new Uint8Array(randomBytes(16));
  const ticket = { client: `client${i}@TEST.EXAMPLE`, server: "chaos/localhost@TEST.EXAMPLE" };
  const ticketBytes = new Uint8Array(TICKET_BYTES);
  return { id, keys, ticket, ticketBytes, authorizationData: [], serviceKeys: [] };
}

const session = bytesOfEach(SAMPLE, (count) => {
  const table = new SessionTable();
  for (let i = 0; i < count; i++) {
    const session = newSession(i, undefined);
    table.add({ ...session, keys: deriveSessionKeys({ ...subkeys(), id: session.id, ...exchange }) }, 0);
  }
  return table;
});

/** The most that numbers cost: 1,024 that are missing, and 1,024 that were taken and not run. */
const numbers = bytesOfEach(200, (count) =>
  Array.from({ length: count }, () => {
    const numbers = new AttemptNumbers();
    for (let n = 1; n <= 1_024; n++) {
      numbers.take(n);
      numbers.leaveUnused(n);
    }
    numbers.take(2 ** 40);
    return numbers;
  }),
);

const table = new SessionTable();
for (let i = 0; i < CAPACITY + 1_000; i++) table.add(newSession(i, undefined), 0);
const isBounded = table.size === CAPACITY;

const megabytes = (bytes) => `${Math.round((bytes * CAPACITY) / 1e6)} MB`;
console.log(`  bytes a session: ${session} (${ETYPE.name}, a ticket of ${TICKET_BYTES})`);
console.log(`  and with 1,024 missing and 1,024 unused numbers: ${session + numbers}`);
console.log(`  the table: ${table.size} sessions of ${CAPACITY + 1_000}, at most ${megabytes(session)} to \
${megabytes(session + numbers)}`);
process.exit(isBounded ? 0 : 1);
