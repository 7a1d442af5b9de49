/** What a client is told of how many calls it may have under way, over a real connection. */
import { once } from "node:events";
import * as http2 from "node:http2";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import type { Connection } from "../../../src/rpc/entrance/connection.js";
import { Entrance } from "../../../src/rpc/entrance/entrance.js";
import { ToldStreams } from "../../../src/rpc/entrance/told-streams.js";
import { Turns } from "../../../src/rpc/entrance/turns.js";
import type { Reader } from "../../../src/rpc/entrance/visitor.js";
import { makeServer } from "../../../src/rpc/server-options.js";
import { serveHealth } from "../../../src/services/own-server.js";

const ending: (() => void)[] = [];
afterEach(async () => {
  // Node 20 never returns from `destroy` of a session whose streams have closed in the same turn.
  await new Promise(setImmediate);
  for (const end of ending.splice(0).reverse()) end();
});

/** Turns that tell whom they look after. */
class SeenTurns extends Turns {
  readonly seen: { readonly connection: Connection; readonly reader: Reader }[] = [];

  override join(connection: Connection, reader: Reader): void {
    this.seen.push({ connection, reader });
    super.join(connection, reader);
  }
}

async function connected() {
  const turns = new SeenTurns();
  const server = makeServer({ entrance: new Entrance({}, undefined, turns) });
  serveHealth(server);
  const port = await promisify(server.bindAsync.bind(server))(
    "127.0.0.1:0",
    grpc.ServerCredentials.createInsecure(),
  );
  ending.push(() => server.forceShutdown());
  const session = http2.connect(`http://127.0.0.1:${port}`);
  ending.push(() => session.destroy());
  await once(session, "remoteSettings");
  while (turns.seen[0]?.connection.session?.pendingSettingsAck !== false) await new Promise(setImmediate);
  return { session, ...turns.seen[0] };
}

const allowed = async (session: http2.ClientHttp2Session) => {
  const [{ maxConcurrentStreams }] = (await once(session, "remoteSettings")) as [http2.Settings];
  return maxConcurrentStreams;
};

test("a limit reaches the client, and is lifted to what it was", async () => {
  const { session, reader, connection } = await connected();
  const first = session.remoteSettings.maxConcurrentStreams;
  expect(first).toBe(32);
  const told = allowed(session);
  expect(reader.limit(3)).toBe(true);
  // It has not taken note yet.
  expect(reader.limit(undefined)).toBe(false);
  expect(await told).toBe(3);
  while (connection.session!.pendingSettingsAck) await new Promise(setImmediate);
  const lifted = allowed(session);
  expect(reader.limit(undefined)).toBe(true);
  expect(await lifted).toBe(first);
});

test("calls beyond it wait with the client, and none is lost", async () => {
  const { session, reader } = await connected();
  const told = allowed(session);
  reader.limit(1);
  await told;
  const check = { ":method": "POST", ":path": "/grpc.health.v1.Health/Check", te: "trailers" };
  const statuses = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const stream = session.request({ ...check, "content-type": "application/grpc" });
      stream.end(Buffer.alloc(5));
      stream.resume();
      const [trailers] = (await once(stream, "trailers")) as [http2.IncomingHttpHeaders];
      return trailers["grpc-status"];
    }),
  );
  expect(statuses).toEqual(Array(20).fill("0"));
});

test("calls that have lasted for long do not count, and what hardly differs is not said", async () => {
  const { session, connection } = await connected();
  let lasting = 1;
  const streams = new ToldStreams(connection, () => lasting);
  const say = async (calls: number) => {
    const told = allowed(session);
    streams.tell(calls);
    const limit = await told;
    while (connection.session!.pendingSettingsAck) await new Promise(setImmediate);
    return limit;
  };
  expect(await say(4)).toBe(5);
  for (const near of [3, 5, 7]) {
    expect(streams.tell(near)).toBe(true);
    expect(connection.session!.pendingSettingsAck).toBe(false);
  }
  expect(await say(8)).toBe(9);
  lasting = 2;
  expect(await say(8)).toBe(10);
  expect(await say(100)).toBe(32);
});
