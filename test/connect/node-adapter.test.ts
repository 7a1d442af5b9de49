/** Connect's handlers behind the guard, called by grpc-js and by Connect. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import http2 from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectError, type ConnectRouter, createClient } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { ticketInterceptor } from "../../src/client/index.js";
import { callerOf } from "../../src/connect/caller.js";
import { guardedNodeAdapter } from "../../src/connect/node-adapter.js";
import { refusalOf } from "../../src/connect/refusal.js";
import { fromServiceError } from "../../src/rpc/status.js";
import { MemoryReplayCache } from "../../src/store/replay/memory-replay-cache.js";
import { HAS_OPENSSL, makeCertificate } from "../support/wire-tls.js";
import { ALICE, collect, NoteService, notes, openConnect, SERVICE } from "./world.js";

const LEVELS = ["call", "authenticate", "integrity", "privacy"] as const;
const said = (...texts: string[]) => texts.map((text) => ({ text, owner: ALICE }));

const refusedWith =
  (reason: string, details: object = {}) =>
  (error: unknown) =>
    expect(error instanceof ConnectError ? refusalOf(error) : fromServiceError(error)).toMatchObject({
      reason,
      details,
    });

describe("every kind of call, twice, so that the second goes under a session,", () => {
  test.each(LEVELS)("from grpc-js at %s", async (protection) => {
    await using world = await openConnect({ guard: { protection } });
    const client = world.grpc([ticketInterceptor(world.alice, SERVICE, { protection })]);
    for (let round = 0; round < 2; round++) {
      expect(await client.add("hello")).toEqual(said("hello")[0]);
      expect(await client.list()).toEqual(said("a", "b", "c"));
      expect(await client.addAll("x", "y", "z")).toBe(3);
      expect(await client.follow("1", "2")).toEqual(said("1", "2"));
    }
    expect(world.log.filter(({ result }) => result === "OK")).toHaveLength(8);
  });

  test.each(LEVELS)("from Connect at %s", async (protection) => {
    await using world = await openConnect({ guard: { protection } });
    const client = world.connect({ protection });
    for (let round = 0; round < 2; round++) {
      expect(await client.add({ text: "hello" })).toMatchObject(said("hello")[0]!);
      expect(await collect(client.list({}))).toEqual(said("a", "b", "c"));
      expect(await client.addAll(notes("x", "y", "z"))).toMatchObject({ added: 3 });
      expect(await collect(client.follow(notes("1", "2")))).toEqual(said("1", "2"));
    }
  });

  test("and one shot, with a replay cache", async () => {
    const replayCache = new MemoryReplayCache({ skew: 300_000, startedAt: Date.now(), restart: "fresh" });
    await using world = await openConnect({ guard: { replayCache, clock: Date.now } });
    const client = world.connect({ sessions: false });
    expect(await client.add({ text: "hello" })).toMatchObject(said("hello")[0]!);
    expect(await collect(client.follow(notes("1", "2")))).toEqual(said("1", "2"));
    expect(replayCache.size).toBeGreaterThanOrEqual(2);
  });
});

describe("a call is refused", () => {
  test("without a ticket, before its handler and before its request is read", async () => {
    let ran = false;
    await using world = await openConnect({
      handlers: {
        add: () => {
          ran = true;
          return {};
        },
      },
    });
    const stranger = world.grpc([]);
    await stranger.add("hello").then(() => expect.fail(), refusedWith("KDC_ERR_PREAUTH_REQUIRED"));
    await stranger.list().then(() => expect.fail(), refusedWith("KDC_ERR_PREAUTH_REQUIRED"));
    await stranger.follow("x").then(() => expect.fail(), refusedWith("KDC_ERR_PREAUTH_REQUIRED"));
    expect(ran).toBe(false);
  });

  test("by a rule, in a way that is proven", async () => {
    await using world = await openConnect({
      guard: { allow: { "notes.v1.NoteService": ["bob@TEST.EXAMPLE"] } },
    });
    for (let round = 0; round < 2; round++) {
      await world
        .grpc()
        .add("x")
        .then(() => expect.fail(), refusedWith("KDC_ERR_POLICY"));
      const client = world.connect();
      await client.add({ text: "x" }).then(() => expect.fail(), refusedWith("KDC_ERR_POLICY"));
      await collect(client.list({})).then(() => expect.fail(), refusedWith("KDC_ERR_POLICY"));
    }
  });

  test("below the service's protection, and with a ticket for another name", async () => {
    await using world = await openConnect({ guard: { protection: "privacy" } });
    const low = { rule: "protection", floor: "privacy" };
    await world
      .connect()
      .add({})
      .then(() => expect.fail(), refusedWith("KDC_ERR_POLICY", low));
    // Nothing is below `authenticate` unless the service says so.
    await using usual = await openConnect();
    const call = { rule: "protection", floor: "authenticate" };
    const lowest = usual.connect({ protection: "call" });
    await lowest.add({}).then(() => expect.fail(), refusedWith("KDC_ERR_POLICY", call));
    await collect(lowest.follow(notes("1"))).then(() => expect.fail(), refusedWith("KDC_ERR_POLICY", call));
    await using strict = await openConnect({ guard: { authorities: ["api.example.test"] } });
    const behind = strict.grpc(undefined, { "grpc.default_authority": "evil.example.test" });
    await behind
      .add("x")
      .then(() => expect.fail(), refusedWith("KRB_AP_ERR_MODIFIED", { method: "/notes.v1.NoteService/Add" }));
  });

  test("compressed or too large, by a status that the client does not believe", async () => {
    await using world = await openConnect({ adapter: { readMaxBytes: 1000 } });
    const compressing = world.grpc(undefined, { "grpc.default_compression_algorithm": 2 });
    const unproven = (code: grpc.status) =>
      refusedWith("KRB_AP_ERR_MUT_FAIL", { unproven_code: String(code) });
    await compressing.add("x".repeat(900)).then(() => expect.fail(), unproven(grpc.status.UNIMPLEMENTED));
    await world
      .grpc()
      .add("x".repeat(1100))
      .then(() => expect.fail(), unproven(grpc.status.RESOURCE_EXHAUSTED));
  });

  test.each([
    ["Connect's own protocol", "application/proto", 415],
    ["its JSON", "application/json", 415],
    ["Connect's streams", "application/connect+proto", 415],
    ["gRPC-Web", "application/grpc-web+proto", 415],
    ["gRPC-Web as text", "application/grpc-web-text", 415],
    ["no protocol", undefined, 415],
  ])("over %s", async (_, contentType, status) => {
    await using world = await openConnect();
    const session = http2.connect(world.baseUrl);
    const stream = session.request({
      ":method": "POST",
      ":path": "/notes.v1.NoteService/Add",
      ...(contentType !== undefined && { "content-type": contentType }),
    });
    stream.end(Buffer.from("{}"));
    const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) => stream.on("response", resolve));
    expect(headers[":status"]).toBe(status);
    session.destroy();
  });

  test("by GET", async () => {
    await using world = await openConnect();
    const session = http2.connect(world.baseUrl);
    const stream = session.request({ ":path": "/notes.v1.NoteService/Add?encoding=json&message={}" });
    const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) => stream.on("response", resolve));
    expect(headers[":status"]).toBe(405);
    session.destroy();
  });

  test("over HTTP/1.1", async () => {
    const routes = (router: ConnectRouter) => router.service(NoteService, {});
    const keytab = () => expect.fail("nothing is looked at");
    const server = http.createServer(guardedNodeAdapter({ routes }, { keytab }));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const status = await new Promise((resolve, reject) => {
      const headers = { "content-type": "application/grpc" };
      const request = http.request({ port, method: "POST", path: "/notes.v1.NoteService/Add", headers });
      request.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
      request.end();
    });
    expect(status).toBe(505);
    server.closeAllConnections();
    server.close();
  });
});

test("what is public is served over Connect's protocol too, without a caller", async () => {
  const thrown: unknown[] = [];
  await using world = await openConnect({
    guard: { public: ["notes.v1.NoteService/Add"] },
    handlers: {
      add: ({ text }, context) => {
        try {
          callerOf(context);
        } catch (error) {
          thrown.push(error);
        }
        return { text };
      },
    },
  });
  const sessionManager = new Http2SessionManager(world.baseUrl);
  const transport = createConnectTransport({ baseUrl: world.baseUrl, httpVersion: "2", sessionManager });
  const client = createClient(NoteService, transport);
  expect(await client.add({ text: "hello" })).toMatchObject({ text: "hello" });
  expect(thrown).toEqual([expect.any(TypeError)]);
  await expect(collect(client.list({}))).rejects.toBeInstanceOf(ConnectError);
  sessionManager.abort();
});

test("no prefix leads around the guard", async () => {
  await using world = await openConnect({ adapter: { requestPathPrefix: "/x" } as object });
  const session = http2.connect(world.baseUrl);
  const stream = session.request({
    ":method": "POST",
    ":path": "/x/notes.v1.NoteService/Add",
    "content-type": "application/json",
  });
  stream.end("{}");
  const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) => stream.on("response", resolve));
  expect(headers[":status"]).toBe(404);
  session.destroy();
});

test("headers that are no metadata end no process", async () => {
  await using world = await openConnect();
  const session = http2.connect(world.baseUrl);
  const stream = session.request({
    ":method": "POST",
    ":path": "/notes.v1.NoteService/Add",
    "content-type": "application/grpc",
    "x-own": "\u00ff",
    "x-own-bin": "%%% not base64 \u00ff",
    "kerberos-ap-req-bin": "%%%,,,",
  });
  stream.end();
  const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) => stream.on("response", resolve));
  expect(headers).toMatchObject({ ":status": 200, "grpc-status": String(grpc.status.INVALID_ARGUMENT) });
  session.destroy();
  expect(await world.grpc().add("still here")).toMatchObject({ text: "still here" });
});

test.skipIf(!HAS_OPENSSL)(
  "over TLS the guard sees the certificate that a client connected with",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "tessera-connect-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const at = (name: string) => join(folder, name);
    for (const name of ["server", "client", "stranger"])
      makeCertificate(at(`${name}.key`), at(`${name}.pem`));
    const read = (name: string) => readFileSync(at(name));
    const seen: string[] = [];
    await using world = await openConnect({
      tls: {
        key: read("server.key"),
        cert: read("server.pem"),
        ca: read("client.pem"),
        requestCert: true,
        rejectUnauthorized: false,
      },
      guard: {
        bindClientCertificate: (principal, { subject }) => seen.push(`${principal} ${subject.CN}`) > 0,
      },
    });
    const as = (name: string) =>
      world.connect(
        {},
        {
          credentials: grpc.credentials.createSsl(
            read("server.pem"),
            read(`${name}.key`),
            read(`${name}.pem`),
          ),
        },
      );
    expect(await as("client").add({ text: "hello" })).toMatchObject(said("hello")[0]!);
    expect(seen).toEqual([`${ALICE} localhost`]);
    // Nobody vouches for it, though the server lets it connect.
    await as("stranger")
      .add({})
      .then(() => expect.fail(), refusedWith("KRB_AP_ERR_BADMATCH"));
    const without = world.connect({}, { credentials: grpc.credentials.createSsl(read("server.pem")) });
    await without.add({}).then(() => expect.fail(), refusedWith("KRB_AP_ERR_BADMATCH"));
    expect(seen).toHaveLength(1);
  },
);

test("a path that nobody serves is Connect's to answer", async () => {
  await using world = await openConnect();
  const session = http2.connect(world.baseUrl);
  const stream = session.request({ ":path": "/nothing" });
  const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) => stream.on("response", resolve));
  expect(headers[":status"]).toBe(404);
  session.destroy();
});

test("a wrong option of the guard is named when the adapter is made", () => {
  const routes = () => {};
  expect(() => guardedNodeAdapter({ routes }, { keytab: "x", alow: {} } as never)).toThrow(
    /did you mean allow/,
  );
});
