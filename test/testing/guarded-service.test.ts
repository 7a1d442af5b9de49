/** A guarded service whose faults the test makes: what its clients, and those who listen, get to see. */
import * as grpc from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { ticketInterceptor } from "../../src/client/index.js";
import { callerOf } from "../../src/services/index.js";
import {
  createGuardedService,
  createTestRealm,
  type GuardedServiceOptions,
} from "../../src/testing/index.js";
import { addChat, CHAT, ChatClient } from "../services/guard/chat.js";
import { eventually } from "../support/eventually.js";

const SERVICE = "chat/api.example.test";
const LOST = { refusal: { reason: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED" } };
const CAME_BEFORE = { code: grpc.status.UNAUTHENTICATED, refusal: { reason: "KRB_AP_ERR_REPEAT" } };

/** A service, a second process of it, and a client of the first. */
async function openService(options: GuardedServiceOptions = {}) {
  const realm = await createTestRealm({ users: { alice: "secret" }, services: [SERVICE] });
  const ran: string[] = [];
  const register = (server: grpc.Server) =>
    addChat(server, (method, call) => ran.push(`${method} ${callerOf(call).principal}`));
  const service = await createGuardedService(realm, SERVICE, register, options);
  const other = await createGuardedService(realm, SERVICE, register, options);
  const alice = await realm.login("alice");
  const interceptors = [ticketInterceptor(alice, SERVICE)];
  const insecure = grpc.credentials.createInsecure();
  const client = new ChatClient(service.address, insecure, {
    interceptors,
    "grpc.initial_reconnect_backoff_ms": 10,
  });
  onTestFinished(async () => {
    client.close();
    await Promise.all([service.close(), other.close()]);
    await realm.close();
  });
  return { realm, service, other, client, ran };
}

test("captures what its clients send, and refuses all of it when it comes again, here and elsewhere", async () => {
  const { service, other, client, ran } = await openService();
  await client.say("one");
  await client.say("two");
  expect(service.principal).toBe(`${SERVICE}@TEST.EXAMPLE`);
  expect(service.captured.map(({ method }) => method)).toEqual(Array(3).fill("/chat.v1.Chat/Say"));
  const [first, granting, underSession] = service.captured;
  expect(await service.replay(first!)).toMatchObject(LOST);
  expect(await service.replay(granting!)).toMatchObject(CAME_BEFORE);
  expect(await service.replay(underSession!)).toMatchObject(CAME_BEFORE);
  for (const call of service.captured.slice(0, 3)) expect(await other.replay(call)).toMatchObject(LOST);
  expect(ran).toHaveLength(2);
  expect(service.log.at(-1)).toMatchObject({ result: "KRB_AP_ERR_REPEAT" });
});

test("what is altered before it is sent again is refused as such", async () => {
  const { service, client, ran } = await openService();
  await client.say("one");
  service.dropSessions();
  const call = { ...service.captured[1]!, messages: [Buffer.from('{"text":"two"}')] };
  expect(await service.replay(call)).toMatchObject({ refusal: { reason: "KRB_AP_ERR_MODIFIED" } });
  expect(ran).toHaveLength(1);
});

test("a restart takes sessions, challenges and tags with it; the client's next call is answered", async () => {
  const { service, client, ran } = await openService();
  await client.say("one");
  await client.say("two");
  const { address } = service;
  const captured = [...service.captured];
  await service.restart();
  expect([service.address, service.sessions]).toEqual([address, 0]);
  for (const call of captured) expect(await service.replay(call)).toMatchObject(LOST);
  expect(await client.say("three", { deadline: Date.now() + 10_000 })).toBe("three");
  expect(service.sessions).toBe(1);
  expect(ran).toHaveLength(3);
});

test("a client whose session was dropped makes another, and its application sees nothing", async () => {
  const { service, client } = await openService();
  await client.say("one");
  expect(service.sessions).toBe(1);
  service.dropSessions();
  expect(service.sessions).toBe(0);
  expect(await client.say("two")).toBe("two");
  expect(service.sessions).toBe(1);
});

test("its time of day is stepped both ways: the ticket's times are all that it counts for", async () => {
  const { service, client } = await openService();
  service.stepClock("9h");
  expect(await client.say("one")).toBe("one");
  service.stepClock("2h");
  await expect(client.say("two")).rejects.toMatchObject({ code: grpc.status.UNAUTHENTICATED });
  service.stepClock("-11h");
  expect(await client.say("three")).toBe("three");
});

test("its monotonic clock goes forwards alone, and ends sessions", async () => {
  const { service, client } = await openService({ guard: { sessions: { life: 10_000 } } });
  await client.say("one");
  service.stepUptime("10s");
  service.stepUptime(1);
  expect(await service.replay(service.captured[1]!)).toMatchObject(CAME_BEFORE);
  expect(await client.say("two")).toBe("two");
  expect(service.captured).toHaveLength(5);
  service.stepUptime("61s");
  expect(await service.replay(service.captured[1]!)).toMatchObject(LOST);
  expect(() => service.stepUptime("-1s")).toThrow(RangeError);
});

test("a stream outlives its ticket where its client renews it, and ends with it where not", async () => {
  const { realm, service } = await openService();
  const alice = await realm.login("alice");
  const open = (options: object) => {
    const interceptors = [ticketInterceptor(alice, SERVICE, options)];
    const client = new ChatClient(service.address, grpc.credentials.createInsecure(), { interceptors });
    onTestFinished(() => client.close());
    const { path, requestSerialize, responseDeserialize } = CHAT.talk;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const status = new Promise<grpc.StatusObject>((resolve) => void call.on("status", resolve));
    call.on("error", () => {}).resume();
    call.write({ text: "begin" });
    return { call, status };
  };
  const [renewing, silent] = [open({ timer: realm.timer }), open({})];
  await eventually(() => expect(service.streams).toBe(2));
  realm.advance("9h30m");
  await alice.login("alice@TEST.EXAMPLE", "secret");
  realm.advance("20m");
  const isRenewed = () => service.log.some(({ text }) => String(text).startsWith("renewed until"));
  await eventually(() => expect(isRenewed()).toBe(true));
  service.stepClock("20m");
  expect(await silent.status).toMatchObject({ code: grpc.status.UNAUTHENTICATED });
  expect(service.streams).toBe(1);
  renewing.call.end();
  expect(await renewing.status).toMatchObject({ code: grpc.status.OK });
});

test("options and names that are wrong are named", async () => {
  const { realm } = await openService();
  await expect(createGuardedService(realm, "other/x", () => {})).rejects.toThrow(RangeError);
  const options = { guards: {} } as GuardedServiceOptions;
  await expect(createGuardedService(realm, SERVICE, () => {}, options)).rejects.toThrow(/guards/);
});
