/** Health and reflection of a grpc-js server of one's own. */
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ReflectionClient } from "../../src/client/reflection.js";
import { HealthClient } from "../../src/gen/grpc/health/v1/health_grpc.js";
import { HealthCheckResponse_ServingStatus as Status } from "../../src/gen/grpc/health/v1/health_pb.js";
import { ProtoFileError } from "../../src/rpc/proto-files.js";
import { type OwnServerHealth, serveHealth, serveReflection } from "../../src/services/own-server.js";
import { GRPCURL, grpcurl } from "../support/grpcurl.js";

const PROTO = new URL("../support/shop.proto", import.meta.url).pathname;
const SHOP = "shop.v1.ShopService";

const server = new grpc.Server();
let health: OwnServerHealth;
let address: string;
beforeAll(async () => {
  health = serveHealth(server, [SHOP]);
  await serveReflection(server, [PROTO]);
  const bind = promisify(server.bindAsync.bind(server));
  address = `127.0.0.1:${await bind("127.0.0.1:0", grpc.ServerCredentials.createInsecure())}`;
});
afterAll(() => server.forceShutdown());

describe("reflection", () => {
  test("lists the services of the files, and health", async () => {
    using client = new ReflectionClient(address, grpc.credentials.createInsecure());
    const services = await client.services();
    expect(services).toContain(SHOP);
    expect(services).toContain("grpc.health.v1.Health");
    expect((await client.describe(SHOP))?.getMessage("shop.v1.OrderRequest")?.fields).toHaveLength(4);
  });

  test.skipIf(GRPCURL === undefined)("is read by grpcurl", async () => {
    const { stdout } = await grpcurl(address, ["describe", "shop.v1.OrderRequest"]);
    expect(stdout).toContain("map<string, .shop.v1.Colour> colours = 3;");
    expect(stdout).toContain(".google.protobuf.Timestamp due = 4;");
  });

  test("needs files that can be read", async () => {
    await expect(serveReflection(new grpc.Server(), ["none.proto"])).rejects.toThrow(ProtoFileError);
  });
});

test("health is SERVING until it is told otherwise, and NOT_SERVING for good once it shuts down", async () => {
  using client = new HealthClient(address, grpc.credentials.createInsecure());
  const check = async (service: string) => (await client.check({ service })).status;
  expect([await check(""), await check(SHOP)]).toEqual([Status.SERVING, Status.SERVING]);
  health.set(SHOP, "NOT_SERVING");
  expect([await check(""), await check(SHOP)]).toEqual([Status.SERVING, Status.NOT_SERVING]);
  health.shutdown();
  health.set(SHOP, "SERVING");
  expect([await check(""), await check(SHOP)]).toEqual([Status.NOT_SERVING, Status.NOT_SERVING]);
});
