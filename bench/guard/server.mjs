// The measured server, a process of its own: the same handler three times, each on a grpc-js server of its
// own: bare, with a guard, and with an interceptor that verifies a bearer token. It answers `cpu` with the
// CPU time it has used, in microseconds; between `profile` and `profiled` it records where that time goes.
import { randomBytes } from "node:crypto";
import * as grpc from "@grpc/grpc-js";
import { guard } from "../../dist/services/index.js";
import { MemoryReplayCache } from "../../dist/store/replay/memory-replay-cache.js";
import { startProfile } from "../exchange/profile.mjs";
import { CALL } from "./method.mjs";
import { issue, makeServiceKeys } from "./ticket.mjs";
import { makeBearer } from "./tokens.mjs";

const serviceKeys = makeServiceKeys();
const bearer = await makeBearer();
const replayCache = new MemoryReplayCache({ skew: 300_000, startedAt: Date.now(), restart: "fresh" });
const guarded = guard({ keytab: () => serviceKeys, replayCache });
const session = guard({ keytab: () => serviceKeys });

/** The floor: a trailer of the size of a proof, which nobody reads. */
const unread = (_method, call) =>
  new grpc.ServerInterceptingCall(call, {
    sendStatus: (status, next) => {
      const metadata = status.metadata?.clone() ?? new grpc.Metadata();
      metadata.set("x-unread-bin", randomBytes(16));
      next({ ...status, metadata });
    },
  });

/** What teams commonly write: a bearer token, verified before the handler learns of the call. */
const bearerInterceptor = (_method, call) =>
  new grpc.ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, pass) => {
          const [header = ""] = metadata.get("authorization");
          bearer.verify(header.slice("Bearer ".length)).then(
            () => pass(metadata),
            () => call.sendStatus({ code: grpc.status.UNAUTHENTICATED, details: "token refused" }),
          );
        },
      }),
  });

/** The same with a library that verifies at once. */
const jsonwebtokenInterceptor = (_method, call) =>
  new grpc.ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, pass) => {
          const [header = ""] = metadata.get("authorization");
          try {
            bearer.verifyAtOnce(header.slice("Bearer ".length));
          } catch {
            call.sendStatus({ code: grpc.status.UNAUTHENTICATED, details: "token refused" });
            return;
          }
          pass(metadata);
        },
      }),
  });

const answer = randomBytes(Number(process.argv[2]));
async function listen(interceptors) {
  const server = new grpc.Server({ interceptors });
  server.addService({ call: CALL }, { call: (_call, callback) => callback(null, answer) });
  const port = await new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return `127.0.0.1:${port}`;
}

process.on("disconnect", () => process.exit(0));

let endProfile;
process.on("message", async (message) => {
  if (message === "cpu") {
    const { user, system } = process.cpuUsage();
    process.send({ cpu: user + system });
  }
  if (message === "profile") {
    endProfile = await startProfile();
    process.send({ profiling: true });
  }
  if (message === "profiled") process.send({ times: await endProfile() });
  if (message === "end") process.exit(0);
});
process.send({
  bare: await listen([]),
  guarded: await listen([guarded]),
  session: await listen([session]),
  unread: await listen([unread]),
  bearer: await listen([bearerInterceptor]),
  jsonwebtoken: await listen([jsonwebtokenInterceptor]),
  issued: issue(serviceKeys),
  token: bearer.token,
});
