// Honest clients, a process of their own: one calls on a connection that it keeps, a new one comes four times
// a second, and asks for the server's health as well. Answers `report` with how their calls ended since the
// last.
import { credentials } from "@grpc/grpc-js";
import { HealthClient } from "../../dist/gen/grpc/health/v1/health_grpc.js";
import { AuthenticationServiceClient } from "../../dist/gen/kerberos/v1/authentication_service_grpc.js";
import { makeAsReq } from "../../dist/protocol/as-exchange.js";
import { etypeOf } from "../../dist/protocol/etypes.js";
import { Key } from "../../dist/protocol/keys.js";
import { CLIENT } from "../exchange/realm.mjs";

const [address, keyHex, etype] = process.argv.slice(2);
const key = new Key(etypeOf(Number(etype)), Buffer.from(keyHex, "hex"));
const insecure = credentials.createInsecure();
const own = () => ({ timeoutMs: 1_000, channelOptions: { "grpc.use_local_subchannel_pool": 1 } });
const kept = new AuthenticationServiceClient(address, insecure, own());
let seen = fresh();

function fresh() {
  return { kept: [], newcomer: [], health: [], failures: {} };
}

async function timed(list, call) {
  const began = performance.now();
  const now = seen;
  try {
    await call();
    now[list].push(performance.now() - began);
  } catch (error) {
    now[list].push(Number.POSITIVE_INFINITY);
    const name = `${list}: ${error.codeName ?? error.reason ?? error.message}`;
    now.failures[name] = (now.failures[name] ?? 0) + 1;
  }
}

const asReq = () => makeAsReq(CLIENT, { etypes: [Number(etype)] }, key, Date.now());
setInterval(() => void timed("kept", () => kept.authenticate(asReq())), 200);
setInterval(async () => {
  const newcomer = new AuthenticationServiceClient(address, insecure, own());
  const health = new HealthClient(address, insecure, own());
  await Promise.all([
    timed("newcomer", () => newcomer.authenticate(asReq())),
    timed("health", () => health.check({})),
  ]);
  newcomer.close();
  health.close();
}, 250);
process.on("disconnect", () => process.exit(0));
process.on("message", () => {
  process.send(seen);
  seen = fresh();
});
process.send({ ready: true });
