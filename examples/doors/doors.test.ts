/** The examples of the doors' pages, run. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { ticketInterceptor } from "tessera-sso/client";
import { callerOf } from "tessera-sso/connect";
import { createTestRealm } from "tessera-sso/testing";
import { expect, test } from "vitest";
import { NoteService } from "../connect/gen/notes_pb.js";
import { sayHello } from "./client.js";
import { serve, withClient } from "./connect.js";
import { thereAndBack } from "./des.js";
import { greet, makeGuardedServer } from "./server.js";
import { outliveATicket } from "./testing.js";

test("client: from a password to an answered call", async () => {
  await using realm = await createTestRealm({ users: { alice: "apple" } });
  expect(await sayHello("apple", realm.kdc, realm.v.address)).toBe("hello");
  await expect(sayHello("pear", realm.kdc)).rejects.toMatchObject({
    reason: "KDC_ERR_PREAUTH_FAILED",
  });
});

test("server: a handler knows who calls", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tessera-doors-"));
  await using realm = await createTestRealm({ users: { alice: "apple" }, services: ["greet/api"] });
  const keytab = join(folder, "greet.keytab");
  await writeFile(keytab, await realm.keytab("greet/api"), { mode: 0o600 });
  const server = makeGuardedServer(keytab);
  try {
    const path = "/greet.v1.GreetService/Greet";
    const same = (bytes: Buffer) => bytes;
    const codecs = {
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    };
    server.addService({ greet: { path, requestStream: false, responseStream: false, ...codecs } }, { greet });
    const credentials = grpc.ServerCredentials.createInsecure();
    const port = await promisify(server.bindAsync.bind(server))("127.0.0.1:0", credentials);

    const interceptors = [ticketInterceptor(await realm.login("alice"), "greet/api")];
    const insecure = grpc.credentials.createInsecure();
    const client = new grpc.Client(`localhost:${port}`, insecure, { interceptors });
    const call = (answer: grpc.requestCallback<Buffer>) =>
      void client.makeUnaryRequest(path, same, same, Buffer.from("hello"), answer);
    expect(String(await promisify(call)())).toBe("hello, alice@TEST.EXAMPLE");
    client.close();
  } finally {
    server.forceShutdown();
    await rm(folder, { recursive: true });
  }
});

test("connect: a handler knows who calls", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tessera-doors-"));
  await using realm = await createTestRealm({ users: { alice: "apple" }, services: ["greet/api"] });
  const keytab = join(folder, "greet.keytab");
  await writeFile(keytab, await realm.keytab("greet/api"), { mode: 0o600 });
  const add = ({ text }: { text: string }, context: Parameters<typeof callerOf>[0]) => ({
    text,
    owner: callerOf(context).principal,
  });
  const server = serve((router) => router.service(NoteService, { add }), keytab);
  try {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const kerberos = await realm.login("alice");
    const written = await withClient(NoteService, kerberos, `http://localhost:${port}`, (client) =>
      client.add({ text: "hello" }),
    );
    expect(written).toMatchObject({ text: "hello", owner: "alice@TEST.EXAMPLE" });
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});

test("testing: a realm's clock is turned", async () => {
  expect((await outliveATicket())?.reason).toBe("KRB_AP_ERR_TKT_EXPIRED");
});

test("des: there and back", () => {
  expect(thereAndBack("attack at dawn")).toBe("attack at dawn");
});
