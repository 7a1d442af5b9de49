/** Calls for whose bytes there is no room, over real sockets. */
import * as http2 from "node:http2";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { HealthClient } from "../../src/gen/grpc/health/v1/health_grpc.js";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "../../src/gen/grpc/health/v1/health_pb.js";
import { Entrance } from "../../src/rpc/entrance/entrance.js";
import type { ServerLimits } from "../../src/rpc/entrance/limits.js";
import { makeServer } from "../../src/rpc/server-options.js";
import { fromServiceError } from "../../src/rpc/status.js";
import { serveHealth } from "../../src/services/own-server.js";
import { connectRaw, frame, type RawAnswer } from "./raw-client.js";

const same = (value: Buffer) => value;
const bytes = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};
const SAY = { path: "/test.v1.Test/Say", requestStream: false, responseStream: false, ...bytes };
const CHAT = { path: "/test.v1.Test/Chat", requestStream: true, responseStream: true, ...bytes };

const ending: (() => void)[] = [];
afterEach(async () => {
  // Node 20 never returns from `destroy` of a session whose streams have closed in the same turn.
  await new Promise(setImmediate);
  for (const end of ending.splice(0).reverse()) end();
});

async function serve(limits: ServerLimits) {
  const told: string[] = [];
  const entrance = new Entrance(limits, (text) => told.push(text));
  const server = makeServer({ entrance });
  serveHealth(server);
  server.addService(
    { say: SAY, chat: CHAT },
    {
      say: ({ request }: { request: Buffer }, callback: grpc.sendUnaryData<Buffer>) =>
        callback(null, Buffer.alloc(request[0]! * 1_000)),
      chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        call.on("data", (message: Buffer) => call.write(message));
        call.on("end", () => call.end());
        call.on("error", () => {});
      },
    },
  );
  const listen = promisify(server.bindAsync.bind(server));
  const port = await listen("127.0.0.1:0", grpc.ServerCredentials.createInsecure());
  ending.push(() => server.forceShutdown());
  const raw = connectRaw(port);
  ending.push(() => raw[Symbol.dispose]());
  await raw.settings;
  return { entrance, port, raw, told };
}

async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise(setImmediate);
}

function refusalOf({ headers }: RawAnswer) {
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(headers["grpc-status-details-bin"]!, "base64"));
  return fromServiceError({ code: Number(headers["grpc-status"]), details: "", metadata });
}

/** Half a message of this length. */
const half = (length: number) => frame(Buffer.alloc(2 * length)).subarray(0, length);

describe("requests", () => {
  test("beyond the share of their peer are refused with when to come again, health apart", async () => {
    const { entrance, port, raw, told } = await serve({ bytes: 10_000, bytesPerPeer: 5_000 });
    const first = raw.call(SAY.path);
    first.stream.write(half(3_000));
    await until(() => entrance.bytes.size === 3_000);
    const second = raw.call(SAY.path);
    second.stream.write(half(3_000));
    expect(refusalOf(await second.ended)).toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
      retryAfterMs: 1_000,
    });
    expect(entrance.bytes.size).toBe(3_000);
    expect(told).toEqual([
      "too much at once: connections refused: 0, calls refused: 1, the last from 127.0.0.1",
    ]);
    const more = raw.call(SAY.path);
    more.stream.write(half(2_000));
    await until(() => entrance.bytes.size === 5_000);
    const client = new HealthClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    ending.push(() => client.close());
    expect((await client.check({})).status).toBe(ServingStatus.SERVING);
    for (const { stream } of [first, more]) stream.close(http2.constants.NGHTTP2_CANCEL);
    await until(() => entrance.bytes.size === 0);
  });

  test("of health beyond what a health check is are counted as all others are", async () => {
    const { raw } = await serve({ bytes: 5_000 });
    const call = raw.call("/grpc.health.v1.Health/Check");
    call.stream.write(half(5_500));
    expect(refusalOf(await call.ended).code).toBe(grpc.status.RESOURCE_EXHAUSTED);
  });

  test("of a stream hold the last message, however many there were", async () => {
    const { entrance, port } = await serve({ bytes: 10_000 });
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    ending.push(() => client.close());
    const call = client.makeBidiStreamRequest(CHAT.path, same, same);
    let echoed = 0;
    for (let i = 0; i < 20; i++) {
      call.write(Buffer.alloc(2_000));
      await new Promise((resolve) => void call.once("data", resolve));
      echoed++;
    }
    call.end();
    const status = await new Promise<grpc.StatusObject>((resolve) => void call.once("status", resolve));
    expect([echoed, status.code]).toEqual([20, grpc.status.OK]);
    await until(() => entrance.bytes.size === 0);
  });
});

describe("replies that are not read", () => {
  /** A client that opens no window for replies. */
  async function closed(port: number) {
    const session = http2.connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
    session.on("error", () => {});
    ending.push(() => session.destroy());
    await new Promise((resolve) => void session.once("remoteSettings", resolve));
    return (kilobytes: number) => {
      const stream = session.request({
        ":method": "POST",
        ":path": SAY.path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      const ended = new Promise<number>((resolve) => {
        stream.on("error", () => {});
        stream.on("close", () => resolve(stream.rstCode));
      });
      stream.resume();
      stream.end(frame(Buffer.of(kilobytes)));
      return { stream, ended };
    };
  }

  test("are thrown away for newer ones, with an error that is RESOURCE_EXHAUSTED to gRPC", async () => {
    const { entrance, port, told } = await serve({ bytes: 100_000, bytesPerPeer: 12_000 });
    const call = await closed(port);
    const oldest = call(6);
    await until(() => entrance.bytes.size > 6_000);
    const newer = call(5);
    await until(() => entrance.bytes.size > 11_000);
    call(4);
    expect(await oldest.ended).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    await until(() => entrance.bytes.size > 9_000 && entrance.bytes.size < 10_000);
    expect(newer.stream.closed).toBe(false);
    expect(told.length).toBe(1);
  });

  test("and one for which there is no room, too", async () => {
    const { entrance, port } = await serve({ bytes: 5_000 });
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    ending.push(() => client.close());
    const error = await new Promise<grpc.ServiceError | null>((resolve) => {
      client.makeUnaryRequest(SAY.path, same, same, Buffer.of(6), (failure) => resolve(failure));
    });
    expect(error?.code).toBe(grpc.status.RESOURCE_EXHAUSTED);
    await until(() => entrance.bytes.size === 0);
  });
});
