/** Programs that know of each other nothing but the name of a file. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { ROOT } from "../package/tarball.js";

function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "tessera-shared-key-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Starts a program that finds the package and grpc-js by their names. */
function start(program: string, cwd: string, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, "--", ...args], {
    cwd,
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  yield* createInterface({ input: child.stdout! });
}

const door = (name: string) => JSON.stringify(`${ROOT}dist/${name}/index.js`);
const grpc = JSON.stringify(`${ROOT}node_modules/@grpc/grpc-js/build/src/index.js`);

const ECHO = `
  const codec = (value) => Buffer.from(String(value));
  const plain = { requestSerialize: codec, requestDeserialize: String, responseSerialize: codec, responseDeserialize: String };
  const echo = { path: "/echo.v1.Echo/Say", requestStream: false, responseStream: false, ...plain };`;

const SERVER = `
  import grpc from ${grpc};
  import { callerOf, guard, sharedKey } from ${door("services")};
  ${ECHO}
  const server = new grpc.Server({ interceptors: [guard({ keytab: sharedKey(process.argv[1]) })] });
  server.addService({ say: echo }, {
    say: (call, callback) => callback(null, call.request + " from " + callerOf(call).principal),
  });
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (_, port) => console.log(port));`;

const CLIENT = `
  import grpc from ${grpc};
  import { sharedKey, ticketInterceptor } from ${door("client")};
  ${ECHO}
  const [path, port] = process.argv.slice(1);
  const interceptors = [ticketInterceptor(sharedKey(path, { client: "alice" }), "echo/localhost")];
  const client = new grpc.Client("localhost:" + port, grpc.credentials.createInsecure(), { interceptors });
  client.makeUnaryRequest(echo.path, echo.requestSerialize, echo.responseDeserialize, "hello", (error, answer) => {
    console.log(error?.details ?? answer);
    client.close();
  });`;

test("a client and a service in two processes: the first makes the file, the other finds it", async () => {
  const dir = newFolder();
  const server = linesOf(start(SERVER, dir, "orders.key"));
  const { value: port } = await server.next();
  const call = async (path: string) => (await linesOf(start(CLIENT, dir, path, port!)).next()).value;
  expect(await call("orders.key")).toBe("hello from alice@SHARED-KEY");
  expect(await call("other.key")).toMatch(/: client and service need the same key file$/);
  expect(readdirSync(dir).toSorted()).toEqual(["orders.key", "other.key"]);
}, 60_000);

test("of many processes that begin at once one makes the file, and all have its key", async () => {
  // The name is one that a command line would take for the end of its options.
  const program = `
    import { createHash } from "node:crypto";
    import { sharedKey } from ${door("services")};
    console.log("ready");
    process.stdin.once("data", () => {
      const [{ key }] = sharedKey("--").serviceKeys().keys;
      console.log(createHash("sha256").update(key.exportBytes()).digest("hex"));
      process.exit();
    });`;
  const dir = newFolder();
  const racers = Array.from({ length: 4 }, () => start(program, dir));
  const lines = racers.map(linesOf);
  for (const line of lines) expect((await line.next()).value).toBe("ready");
  for (const { stdin } of racers) stdin!.write("go\n");
  const keys = await Promise.all(lines.map(async (line) => (await line.next()).value));
  await Promise.all(racers.map((racer) => racer.exitCode ?? once(racer, "exit")));
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(readdirSync(dir)).toEqual(["--"]);
}, 60_000);
