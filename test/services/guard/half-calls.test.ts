/** What half calls leave behind in the memory of a server that is a process of its own. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "../../package/tarball.js";
import { connectRaw, type RawClient } from "../../rpc/raw-client.js";

const module = (path: string) => JSON.stringify(`${ROOT}${path}`);

/** Answers each line on stdin with the bytes that are in use. */
const SERVER = `
  import grpc from ${module("node_modules/@grpc/grpc-js/build/src/index.js")};
  import { guard, guardedServer } from ${module("dist/services/index.js")};
  const keytab = () => ({ principal: "chat/api.example.test@TEST.EXAMPLE", keys: [] });
  const server = process.argv[1] === "guardedServer"
    ? guardedServer({ keytab })
    : new grpc.Server({ interceptors: [guard({ keytab })] });
  const codec = (bytes) => bytes;
  const plain = { requestSerialize: codec, requestDeserialize: codec, responseSerialize: codec, responseDeserialize: codec };
  const say = { path: "/chat.v1.Chat/Say", requestStream: false, responseStream: false, ...plain };
  server.addService({ say }, { say: (_, callback) => callback(null, Buffer.alloc(0)) });
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (_, port) => console.log(port));
  process.stdin.on("data", async () => {
    for (let round = 0; round < 3; round++) {
      await new Promise(setImmediate);
      gc();
    }
    const { heapUsed, external } = process.memoryUsage();
    console.log(heapUsed + external);
  });`;

/**
 * Each has one call at a time, and so few are too few for an overload: on a machine that has much else to do,
 * a server that is called by more at once closes some of these connections (rpc/entrance/turns.ts).
 */
const CONNECTIONS = 7;
const CALLS = 10_000;
/** The first calls, for which things are made once. */
const WARM_UP = 400;
/** 10,000 half calls that never end would leave 42 MiB. */
const MOST = 12 * 1024 * 1024;

test.each(["guardedServer", "guard alone"])("%s: nothing, while their connections are open", async (name) => {
  const args = ["--expose-gc", "--input-type=module", "-e", SERVER, "--", name];
  const server = spawn(process.execPath, args, { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void server.kill("SIGKILL"));
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const next = async () => Number((await lines.next()).value);
  const inUse = () => {
    server.stdin.write("\n");
    return next();
  };
  const port = await next();
  const connections = Array.from({ length: CONNECTIONS }, () => connectRaw(port));
  onTestFinished(() => {
    for (const raw of connections) raw[Symbol.dispose]();
  });
  await Promise.all(connections.map((raw) => raw.settings));
  const half = async (calls: number) => {
    let left = calls;
    const callOn = async (raw: RawClient) => {
      while (left-- > 0) {
        const { headers } = await raw.call("/chat.v1.Chat/Say").ended;
        expect(headers["grpc-status"]).toBe("16");
      }
    };
    await Promise.all(connections.map(callOn));
  };
  await half(WARM_UP);
  const before = await inUse();
  await half(CALLS);
  expect((await inUse()) - before).toBeLessThan(MOST);
});
