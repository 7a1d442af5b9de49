// The measured server of bench/guard/streams.mjs, a process of its own: one method that takes a stream and
// one that sends one, on a bare grpc-js server, on one whose guard takes one shots, and on one whose guard
// grants sessions. It answers `cpu` with the CPU time it has used, and `{ pure, size, count }` with that of
// an operation by itself, both in microseconds; between `profile` and `profiled` it records where the time
// goes.
import { createCipheriv, createDecipheriv, hash, randomBytes } from "node:crypto";
import * as grpc from "@grpc/grpc-js";
import { guard } from "../../dist/services/index.js";
import { MemoryReplayCache } from "../../dist/store/replay/memory-replay-cache.js";
import { startProfile } from "../exchange/profile.mjs";
import { SEND, TAKE } from "./method.mjs";
import { issue, makeServiceKeys } from "./ticket.mjs";
import { writeAll } from "./write-all.mjs";

const serviceKeys = makeServiceKeys();
const replayCache = new MemoryReplayCache({ skew: 300_000, startedAt: Date.now(), restart: "fresh" });
const handlers = {
  /** Takes all that comes. */
  take: (call, callback) => {
    call.on("data", () => {});
    call.on("end", () => callback(null, Buffer.alloc(1)));
  },
  /** Sends as many messages, of the size, as the request asks for. */
  send: (call) => {
    const { size, count } = JSON.parse(call.request.toString());
    writeAll(call, size, count);
  },
};

async function listen(interceptors) {
  const server = new grpc.Server({ interceptors });
  server.addService({ take: TAKE, send: SEND }, handlers);
  const port = await new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return `127.0.0.1:${port}`;
}

const key = randomBytes(32);
const iv = new Uint8Array(16);
const encryptor = createCipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
const decryptor = createDecipheriv("aes-256-cbc", key, iv).setAutoPadding(false);
const PURE = {
  sha256: (bytes) => hash("sha256", bytes, "binary"),
  sha384: (bytes) => hash("sha384", bytes, "binary"),
  encrypt: (bytes) => encryptor.update(bytes),
  decrypt: (bytes) => decryptor.update(bytes),
};

function cpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

process.on("disconnect", () => process.exit(0));

let endProfile;
process.on("message", async (message) => {
  if (message === "cpu") process.send({ cpu: cpu() });
  else if (message === "profile") {
    endProfile = await startProfile();
    process.send({ profiling: true });
  } else if (message === "profiled") process.send({ times: await endProfile() });
  else if (message === "end") process.exit(0);
  else {
    const { pure, size, count } = message;
    const bytes = Buffer.alloc(size, 7);
    const before = cpu();
    for (let i = 0; i < count; i++) PURE[pure](bytes);
    process.send({ us: (cpu() - before) / count });
  }
});
process.send({
  bare: await listen([]),
  oneShot: await listen([guard({ keytab: () => serviceKeys, replayCache })]),
  session: await listen([guard({ keytab: () => serviceKeys })]),
  issued: issue(serviceKeys),
});
