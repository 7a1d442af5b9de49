// A process that saturates the measured server: one connection a variant, many calls in flight, made before
// the clock runs. The session is a real one, of one exchange by ticketInterceptor's own call. It answers
// `{ run, count }` with its CPU and the wall time per call, in microseconds.
import * as grpc from "@grpc/grpc-js";
import { GuardedCall } from "../../dist/client/guard/call.js";
import { readInterceptorOptions } from "../../dist/client/guard/config.js";
import { CALL } from "./method.mjs";
import { oneShotProof, sessionProof, unreadHeader } from "./proofs.mjs";
import { RawConnection } from "./raw-calls.mjs";
import { credentialsOf, SERVICE } from "./ticket.mjs";

const IN_FLIGHT = 32;

let variants;
let request;

/** Connects to the server's variants, and makes the session. */
async function start(server, size) {
  const credentials = credentialsOf(server.issued);
  const session = await makeSession(server.session, credentials);
  request = Buffer.alloc(size, 7);
  const none = () => ({});
  const ofOne = {
    bare: [server.bare, none],
    ready: [server.guarded, () => textOf(oneShotProof(credentials, request))],
    session: [server.session, () => textOf(sessionProof(session, request))],
    headers: [server.unread, () => textOf(unreadHeader())],
    jsonwebtoken: [server.jsonwebtoken, none, { authorization: `Bearer ${server.token}` }],
  };
  variants = {};
  for (const [name, [address, make, ofAll]] of Object.entries(ofOne))
    variants[name] = { connection: await RawConnection.open(address, CALL.path, ofAll), make };
  const [proof] = Object.values(ofOne.session[1]());
  return { names: Object.keys(variants), proofSize: proof.length };
}

/** One exchange, and the session that it made. */
async function makeSession(address, credentials) {
  const tickets = { serviceProof: async () => ({ credentials, clock: Date.now }) };
  const config = readInterceptorOptions(tickets, SERVICE, {});
  const interceptors = [(options, next) => new GuardedCall(config, options, next)];
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), { interceptors });
  const { path, requestSerialize, responseDeserialize } = CALL;
  await new Promise((resolve, reject) =>
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, Buffer.alloc(1), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  const plan = await config.sessions.plan(client.getChannel().internalChannel, credentials, Date.now());
  client.close();
  if (plan.by !== "session") throw new Error("the exchange made no session");
  return plan.session;
}

/** Bytes in a header, as gRPC has them. */
function textOf([name, bytes]) {
  return { [name]: bytes.toString("base64") };
}

async function run(name, count) {
  const { connection, make } = variants[name];
  const calls = Array.from({ length: count }, () => connection.makeCall(request, make()));
  const own = process.cpuUsage();
  const began = performance.now();
  await connection.send(calls, IN_FLIGHT);
  const wall = (performance.now() - began) * 1000;
  const { user, system } = process.cpuUsage(own);
  return { wall: wall / count, client: (user + system) / count };
}

process.on("disconnect", () => process.exit(0));
process.on("message", async (message) => {
  if (message === "end") process.exit(0);
  process.send(
    message.start === undefined
      ? await run(message.run, message.count)
      : await start(message.start, message.size),
  );
});
process.send({ ready: true });
