/** How a server of the realm begins and ends. */
import { once } from "node:events";
import { connect } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { HealthClient } from "../../src/gen/grpc/health/v1/health_grpc.js";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "../../src/gen/grpc/health/v1/health_pb.js";
import {
  AuthenticationServiceClient,
  addAuthenticationService,
} from "../../src/gen/kerberos/v1/authentication_service_grpc.js";
import { AuthenticationService } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { ListenError } from "../../src/services/listen.js";
import { type RunningServer, startServer } from "../../src/services/server.js";

const insecure = grpc.credentials.createInsecure();
const noRetries = { channelOptions: { "grpc.enable_retries": 0, "grpc.use_local_subchannel_pool": 1 } };
const NAME = "kerberos.v1.AuthenticationService";

/** A server whose one method answers when it is told to. */
async function startSlow(port = 0) {
  const log: unknown[] = [];
  let begun!: () => void;
  let finish!: () => void;
  const began = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const server = await startServer({
    host: "127.0.0.1",
    port,
    service: AuthenticationService,
    add: (grpcServer, options) =>
      addAuthenticationService(
        grpcServer,
        {
          authenticate: async () => {
            begun();
            await finished;
            return { client: "slow" };
          },
        },
        options,
      ),
    log: (line) => void log.push(line),
  });
  return { server, log, began, finish };
}

function accepts({ port }: RunningServer): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return once(socket, "connect").then(
    () => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}

test("a port in use is said in one line", async () => {
  const first = await startSlow();
  const { port } = first.server;
  const second = startSlow(port);
  await expect(second).rejects.toBeInstanceOf(ListenError);
  await expect(second).rejects.toThrow(
    `127.0.0.1:${port} is in use: another server listens there; stop it or choose another port`,
  );
  await first.server.stop();
});

test("an address that is not this machine's is said in one line", async () => {
  const config = { port: 0, service: AuthenticationService, add: () => {}, log: () => {} };
  await expect(startServer({ ...config, host: "192.0.2.1" })).rejects.toThrow(
    /^192\.0\.2\.1:0: this machine has no such address$/,
  );
});

test("it says where it listens, and serves there", async () => {
  const { server } = await startSlow();
  expect(server.address).toBe(`127.0.0.1:${server.port}`);
  const health = new HealthClient(server.address, insecure, noRetries);
  expect((await health.check({ service: NAME })).status).toBe(ServingStatus.SERVING);
  health.close();
  await server.stop();
  expect(await accepts(server)).toBe(false);
});

test("at the stop health says NOT_SERVING first, Watch ends, and the running call finishes", async () => {
  const { server, began, finish } = await startSlow();
  const client = new AuthenticationServiceClient(server.address, insecure, noRetries);
  const health = new HealthClient(server.address, insecure, noRetries);
  const running = client.authenticate({});
  await began;
  const watches = ["", NAME].map((service) => health.watch({ service })[Symbol.asyncIterator]());
  for (const watch of watches) expect((await watch.next()).value?.status).toBe(ServingStatus.SERVING);

  let stopped = false;
  const stopping = server.stop().then(() => {
    stopped = true;
  });
  for (const watch of watches) {
    expect((await watch.next()).value?.status).toBe(ServingStatus.NOT_SERVING);
    await expect(watch.next()).rejects.toMatchObject({
      name: "RpcError",
      code: status.UNAVAILABLE,
      message: "the server is shutting down",
    });
  }
  expect(stopped).toBe(false);
  const late = new AuthenticationServiceClient(server.address, insecure, { ...noRetries, timeoutMs: 1000 });
  await expect(late.authenticate({})).rejects.toMatchObject({ code: status.UNAVAILABLE });

  finish();
  expect((await running).client).toBe("slow");
  await stopping;
  for (const end of [client, health, late]) end.close();
});

test("a call that does not finish within the grace period is cut", async () => {
  const { server, began, finish } = await startSlow();
  const client = new AuthenticationServiceClient(server.address, insecure, noRetries);
  const running = client.authenticate({}).catch((error) => error);
  await began;
  await server.stop(20);
  expect(await running).toMatchObject({ name: "RpcError", code: status.UNAVAILABLE });
  finish();
  client.close();
});

test("a second stop waits for the first", async () => {
  const { server } = await startSlow();
  const first = server.stop();
  expect(server.stop()).toBe(first);
  await first;
  await server.stop(0);
  server.health.set("", "SERVING");
});

test("an open reflection stream does not hold the stop back", async () => {
  const { ServerReflectionClient } = await import("../../src/gen/grpc/reflection/v1/reflection_grpc.js");
  const { server } = await startSlow();
  const reflection = new ServerReflectionClient(server.address, insecure, noRetries);
  async function* questions() {
    yield { messageRequest: { case: "listServices" as const, value: "" } };
    await new Promise(() => {});
  }
  const answers = reflection.serverReflectionInfo(questions())[Symbol.asyncIterator]();
  await answers.next();
  const ended = answers.next().catch((error) => error);
  await server.stop();
  expect(await ended).toMatchObject({ code: status.UNAVAILABLE });
  reflection.close();
});
