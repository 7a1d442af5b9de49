// Unary calls over a socket: one connection, many calls in flight, to a server in a process of its own. Every
// guarded call has an authenticator of its own. In `guarded` the real ticketInterceptor makes it during the
// call, and the client is the slower side; in `ready` it is made just before, so that the server receives its
// calls as fast as bare ones. In `session` the interceptor makes one exchange, and then calls under a
// session.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { ticketInterceptor } from "../../dist/client/index.js";
import { CALL } from "./method.mjs";
import { oneShotProof, unreadHeader } from "./proofs.mjs";
import { credentialsOf, SERVICE } from "./ticket.mjs";

const IN_FLIGHT = 32;

/** Starts a measured process; `ask` sends it a message and returns its answer. */
export async function startProcess(file, args = []) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args);
  const answer = () =>
    new Promise((resolve, reject) => {
      child.once("message", resolve);
      child.once("exit", () => reject(new Error(`${file} ended`)));
    });
  const ready = await answer();
  child.setMaxListeners(0);
  const ask = (message) => {
    const answered = answer();
    child.send(message);
    return answered;
  };
  return { ready, ask, end: (message) => child.send(message) };
}

/** Starts the server and connects one client to each of its variants. */
export async function startServer(size) {
  const { ready, ask, end } = await startProcess("server.mjs", [String(size)]);
  const credentials = credentialsOf(ready.issued);
  const tickets = { serviceProof: async () => ({ credentials, clock: Date.now }) };
  const authorization = new grpc.Metadata();
  authorization.set("authorization", `Bearer ${ready.token}`);
  const none = new grpc.Metadata();
  const withHeader = ([name, bytes]) => {
    const metadata = new grpc.Metadata();
    metadata.set(name, bytes);
    return metadata;
  };
  const withProof = (request) => withHeader(oneShotProof(credentials, request));
  const unread = () => withHeader(unreadHeader());
  const variants = {
    bare: { client: connect(ready.bare), metadata: () => none },
    ready: { client: connect(ready.guarded), metadata: withProof },
    guarded: { client: connect(ready.guarded, [ticketInterceptor(tickets, SERVICE)]), metadata: () => none },
    session: { client: connect(ready.session, [ticketInterceptor(tickets, SERVICE)]), metadata: () => none },
    headers: { client: connect(ready.unread), metadata: unread },
    jsonwebtoken: { client: connect(ready.jsonwebtoken), metadata: () => authorization },
    bearer: { client: connect(ready.bearer), metadata: () => authorization },
  };
  const cpu = async () => (await ask("cpu")).cpu;
  return {
    names: Object.keys(variants),
    /** What others need who call the same server. */
    ready,
    /** The server's CPU time by now, in microseconds. */
    cpu,
    /**
     * Sends `count` calls and returns the server's CPU, the client's CPU and the wall time per call, in
     * microseconds.
     */
    run: async (name, count, request) => {
      const { client, metadata } = variants[name];
      const headers = Array.from({ length: count }, () => metadata(request));
      const before = await cpu();
      const own = process.cpuUsage();
      const began = performance.now();
      await sendAll(client, headers, request);
      const wall = (performance.now() - began) * 1000;
      const { user, system } = process.cpuUsage(own);
      return {
        server: ((await cpu()) - before) / count,
        client: (user + system) / count,
        wall: wall / count,
      };
    },
    profile: async (run) => {
      await ask("profile");
      await run();
      return (await ask("profiled")).times;
    },
    end: () => {
      for (const { client } of Object.values(variants)) client.close();
      end("end");
    },
  };
}

function connect(address, interceptors = []) {
  return new grpc.Client(address, grpc.credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    interceptors,
  });
}

async function sendAll(client, headers, request) {
  let sent = 0;
  const { path, requestSerialize, responseDeserialize } = CALL;
  const worker = async () => {
    while (sent < headers.length) {
      const metadata = headers[sent++];
      await new Promise((resolve, reject) =>
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, (error) =>
          error ? reject(error) : resolve(),
        ),
      );
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}
