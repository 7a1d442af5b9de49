import * as grpc from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { HealthClient } from "../../src/gen/grpc/health/v1/health_grpc.js";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "../../src/gen/grpc/health/v1/health_pb.js";
import { makeServer } from "../../src/rpc/server-options.js";
import { HealthService } from "../../src/services/health.js";
import { listen } from "../rpc/test-service.js";

const service = "kerberos.v1.AuthenticationService";
const noRetries = { channelOptions: { "grpc.enable_retries": 0 } };

async function serveHealth() {
  const server = makeServer();
  const health = new HealthService();
  health.addTo(server);
  const address = `127.0.0.1:${await listen(server)}`;
  const client = new HealthClient(address, grpc.credentials.createInsecure(), noRetries);
  return {
    server,
    health,
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      server.forceShutdown();
    },
  };
}

/** The statuses of a Watch, one at a time. */
function watch(client: HealthClient, name: string) {
  const responses = client.watch({ service: name })[Symbol.asyncIterator]();
  return { next: async () => (await responses.next()).value?.status, end: () => responses.return?.() };
}

test("Check tells the status of the server and of a service", async () => {
  await using running = await serveHealth();
  const { client, health } = running;
  expect((await client.check({})).status).toBe(ServingStatus.SERVING);
  health.set("", "NOT_SERVING");
  health.set(service, "SERVING");
  expect((await client.check({})).status).toBe(ServingStatus.NOT_SERVING);
  expect((await client.check({ service })).status).toBe(ServingStatus.SERVING);
});

test("Check of an unknown service is NOT_FOUND", async () => {
  await using running = await serveHealth();
  await expect(running.client.check({ service: "nobody" })).rejects.toMatchObject({
    name: "RpcError",
    code: status.NOT_FOUND,
    message: "unknown service",
  });
});

test("List tells all of them", async () => {
  await using running = await serveHealth();
  running.health.set(service, "NOT_SERVING");
  const { statuses } = await running.client.list({});
  expect(Object.entries(statuses).map(([name, { status }]) => [name, status])).toEqual([
    ["", ServingStatus.SERVING],
    [service, ServingStatus.NOT_SERVING],
  ]);
});

test("Watch tells the status at once and every change, not a status set again", async () => {
  await using running = await serveHealth();
  const { client, health } = running;
  health.set(service, "SERVING");
  const watching = watch(client, service);
  expect(await watching.next()).toBe(ServingStatus.SERVING);
  health.set(service, "SERVING");
  health.set("", "NOT_SERVING");
  health.set(service, "NOT_SERVING");
  expect(await watching.next()).toBe(ServingStatus.NOT_SERVING);
  await watching.end();
});

test("Watch of an unknown service says so and waits for it", async () => {
  await using running = await serveHealth();
  const watching = watch(running.client, service);
  expect(await watching.next()).toBe(ServingStatus.SERVICE_UNKNOWN);
  running.health.set(service, "SERVING");
  expect(await watching.next()).toBe(ServingStatus.SERVING);
  await watching.end();
});

test("shutdown says NOT_SERVING for good, ends every Watch and lets the server stop", async () => {
  await using running = await serveHealth();
  const { client, health, server } = running;
  health.set(service, "SERVING");
  const watching = [watch(client, service), watch(client, "")];
  for (const one of watching) expect(await one.next()).toBe(ServingStatus.SERVING);
  health.shutdown();
  health.shutdown();
  health.set(service, "SERVING");
  for (const one of watching) {
    expect(await one.next()).toBe(ServingStatus.NOT_SERVING);
    await expect(one.next()).rejects.toMatchObject({ name: "RpcError", code: status.UNAVAILABLE });
  }
  expect((await client.check({ service })).status).toBe(ServingStatus.NOT_SERVING);
  const late = watch(client, service);
  expect(await late.next()).toBe(ServingStatus.NOT_SERVING);
  await expect(late.next()).rejects.toMatchObject({ code: status.UNAVAILABLE });
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
});
