/**
 * What a client ends a call with itself stands as it is, over sockets, also where a session is asked for or
 * used.
 */
import * as grpc from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createTestRealm, type TestRealm } from "../../../src/testing/test-realm.js";
import { CHAT, type ChatClient } from "../../services/guard/chat.js";
import { refusalOf } from "../../services/guard/proof.js";
import { openWorld, SERVICE, type World, type WorldOptions } from "../../services/guard/world.js";

let realm: TestRealm;
beforeAll(async () => {
  realm = await createTestRealm({ users: { alice: "secret", bob: "other" }, services: [SERVICE] });
});
afterAll(() => realm.close());

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world[Symbol.asyncDispose]();
});

/** A service whose `say` waits for ever, but for the text that makes a session. */
async function openWaiting(options: WorldOptions = {}) {
  const reached: (() => void)[] = [];
  const world = await openWorld({
    realm,
    sessions: true,
    handlers: {
      say: (call, callback) => {
        if (call.request.text === "answer") callback(null, call.request);
        else for (const told of reached.splice(0)) told();
      },
    },
    ...options,
  });
  worlds.push(world);
  const waits = () => new Promise<void>((resolve) => void reached.push(resolve));
  return { world, waits };
}

const WAYS = [
  { what: "the call that makes a session", first: false },
  { what: "a call under a session", first: true },
];
/** Makes a session, if that is the way. */
async function prepare(client: ChatClient, first: boolean): Promise<void> {
  if (first) await client.say("answer");
}

function raw(client: ChatClient, options: grpc.CallOptions = {}) {
  let call!: grpc.ClientUnaryCall;
  const ended = new Promise<string>((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = CHAT.say;
    const told: grpc.requestCallback<{ text: string }> = (error, value) =>
      error ? reject(error) : resolve(value!.text);
    call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { text: "wait" },
      options,
      told,
    );
  });
  return { call, ended };
}

describe.each(WAYS)("$what", ({ first }) => {
  test("ends as cancelled when the application cancels it", async () => {
    const { world, waits } = await openWaiting();
    const client = world.client();
    await prepare(client, first);
    const reached = waits();
    const { call, ended } = raw(client);
    const refusal = refusalOf(ended);
    await reached;
    call.cancel();
    expect(await refusal).toMatchObject({
      code: "CANCELLED",
      reason: undefined,
      text: "Cancelled on client",
    });
  });

  test("ends with its deadline", async () => {
    const { world } = await openWaiting();
    const client = world.client();
    await prepare(client, first);
    const { ended } = raw(client, { deadline: Date.now() + 200 });
    expect(await refusalOf(ended)).toMatchObject({ code: "DEADLINE_EXCEEDED", reason: undefined });
  });

  test("ends with the deadline of the service config", async () => {
    const { world } = await openWaiting();
    const config = { methodConfig: [{ name: [{}], timeout: { seconds: 0, nanos: 200_000_000 } }] };
    const client = world.client({ channelOptions: { "grpc.service_config": JSON.stringify(config) } });
    await prepare(client, first);
    const { ended } = raw(client);
    expect(await refusalOf(ended)).toMatchObject({ code: "DEADLINE_EXCEEDED", reason: undefined });
  });

  test.each([
    { ends: "is cancelled", code: "CANCELLED", propagate_flags: grpc.propagate.CANCELLATION },
    { ends: "comes to its deadline", code: "DEADLINE_EXCEEDED", propagate_flags: grpc.propagate.DEADLINE },
  ])("ends with its parent, which $ends", async ({ code, propagate_flags }) => {
    const behind = await openWaiting();
    const inner = behind.world.client();
    await prepare(inner, first);
    let told: (refusal: Promise<object>) => void;
    const outcome = new Promise<object>((resolve) => {
      told = resolve;
    });
    const front = await openWaiting({
      handlers: {
        say: (parent) => {
          told(refusalOf(raw(inner, { parent, propagate_flags }).ended));
        },
      },
    });
    const reached = behind.waits();
    const outer = raw(front.world.client(), code === "CANCELLED" ? {} : { deadline: Date.now() + 400 });
    outer.ended.catch(() => {});
    if (code === "CANCELLED") {
      await reached;
      outer.call.cancel();
    }
    expect(await outcome).toMatchObject({ code, reason: undefined });
  });

  test("ends with what the application's own credentials have failed with", async () => {
    const { world } = await openWaiting();
    const client = world.client();
    await prepare(client, first);
    const credentials = grpc.credentials.createFromMetadataGenerator((_, callback) =>
      callback(new Error("no token today")),
    );
    expect(await refusalOf(client.say("answer", { credentials }))).toMatchObject({
      reason: undefined,
      text: expect.stringMatching(/no token today$/),
    });
    expect(await client.say("answer")).toBe("answer");
  });

  test("ends as unavailable when the service does", async () => {
    const { world } = await openWaiting();
    const client = world.client();
    await prepare(client, first);
    world.server.forceShutdown();
    expect(await refusalOf(client.say("answer"))).toMatchObject({ code: "UNAVAILABLE", reason: undefined });
  });
});

test("a deadline that the service says has passed, and has not, is unproven", async () => {
  const { world } = await openWaiting({
    handlers: {
      say: (call, callback) => callback(null, call.request),
    },
    before: [
      (_method, call) =>
        new grpc.ServerInterceptingCall(call, {
          sendStatus: (status, next) =>
            next(
              status.code === grpc.status.OK
                ? { ...status, code: grpc.status.DEADLINE_EXCEEDED, details: "Deadline exceeded" }
                : status,
            ),
        }),
    ],
  });
  expect(await refusalOf(world.client().say("a"))).toMatchObject({
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MUT_FAIL",
    details: { unproven_code: String(grpc.status.DEADLINE_EXCEEDED), unproven_text: "Deadline exceeded" },
  });
});
