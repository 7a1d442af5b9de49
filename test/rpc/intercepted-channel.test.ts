/** Interceptors on the calls of a channel, for libraries that take nothing but a channel. */
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ticketInterceptor } from "../../src/client/index.js";
import { interceptedChannel } from "../../src/rpc/intercepted-channel.js";
import { CHAT, ChatClient } from "../services/guard/chat.js";
import { openWorld, SERVICE, type World } from "../services/guard/world.js";

/** The same service as ts-proto writes it. */
const GENERIC = {
  name: "Chat",
  fullName: "chat.v1.Chat",
  methods: Object.fromEntries(
    Object.entries(CHAT).map(([key, { path, requestStream, responseStream }]) => [
      key,
      { name: path.slice(path.lastIndexOf("/") + 1), requestStream, responseStream },
    ]),
  ),
};

/** A client as a library makes one: of a channel alone. */
function clientOn(channel: grpc.ChannelInterface): ChatClient {
  return new ChatClient("", grpc.credentials.createInsecure(), {
    channelOverride: channel as grpc.Channel,
  });
}

function channelTo({ address }: World): grpc.Channel {
  return new grpc.Channel(address, grpc.credentials.createInsecure(), {});
}

describe.each([
  ["grpc-js's definition", CHAT],
  ["a generic definition", GENERIC],
] as const)("with tickets on it, by %s,", (_, service) => {
  test.each(["authenticate", "integrity", "privacy"] as const)(
    "every kind of call goes at %s",
    async (level) => {
      await using world = await openWorld({ sessions: true, guard: { protection: level } });
      const interceptors = [ticketInterceptor(world.alice, SERVICE, { protection: level })];
      const client = clientOn(interceptedChannel(channelTo(world), [service], interceptors));
      for (let round = 0; round < 2; round++) {
        expect(await client.say("hello")).toBe("hello");
        expect(await client.list("a b c")).toEqual(["a", "b", "c"]);
        expect(await client.join(["a", "b"])).toBe("a b");
        expect(await client.talk(["a", "b"])).toEqual(["a", "b"]);
      }
      expect(world.seen.map(({ caller }) => caller?.principal)).toEqual(Array(8).fill("alice@TEST.EXAMPLE"));
      client.close();
    },
  );
});

test("interceptors stand in grpc-js's order, and see what is asked of the call", async () => {
  await using world = await openWorld({ guard: { public: ["chat.v1.Chat"] } });
  const passed: string[] = [];
  const named =
    (name: string): grpc.Interceptor =>
    (options, next) => {
      passed.push(`${name} ${options.method_definition.path} ${Number(options.deadline) > Date.now()}`);
      return next(options) as grpc.InterceptingCall;
    };
  const client = clientOn(interceptedChannel(channelTo(world), [CHAT], [named("first"), named("second")]));
  expect(await client.say("hello")).toBe("hello");
  expect(passed).toEqual(["first /chat.v1.Chat/Say true", "second /chat.v1.Chat/Say true"]);
  client.close();
});

test("credentials of a call go with it", async () => {
  const seen: grpc.MetadataValue[] = [];
  await using world = await openWorld({
    handlers: {
      say: (call, reply) => {
        seen.push(...call.metadata.get("x-own"));
        reply(null, call.request);
      },
    },
  });
  const interceptors = [ticketInterceptor(world.alice, SERVICE)];
  const client = clientOn(interceptedChannel(channelTo(world), [CHAT], interceptors));
  const credentials = grpc.credentials.createFromMetadataGenerator((_, callback) => {
    const metadata = new grpc.Metadata();
    metadata.set("x-own", "mine");
    callback(null, metadata);
  });
  await client.say("hello", { credentials });
  expect(seen).toEqual(["mine"]);
  client.close();
});

test("a call is cancelled, and ends at its deadline", async () => {
  await using world = await openWorld({ handlers: { say: () => {}, talk: () => {} } });
  const interceptors = [ticketInterceptor(world.alice, SERVICE)];
  const client = clientOn(interceptedChannel(channelTo(world), [CHAT], interceptors));
  await expect(client.say("hello", { deadline: Date.now() - 1 })).rejects.toMatchObject({
    code: grpc.status.DEADLINE_EXCEEDED,
  });
  const { path, requestSerialize, responseDeserialize } = CHAT.talk;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const ended = new Promise((_, reject) => call.on("error", reject).on("data", () => {}));
  call.cancel();
  await expect(ended).rejects.toMatchObject({ code: grpc.status.CANCELLED });
  client.close();
});

test("a refusal comes as it is", async () => {
  await using world = await openWorld({ guard: { allow: { "chat.v1.Chat": ["bob@TEST.EXAMPLE"] } } });
  const interceptors = [ticketInterceptor(world.alice, SERVICE)];
  const client = clientOn(interceptedChannel(channelTo(world), [CHAT], interceptors));
  await expect(client.say("hello")).rejects.toMatchObject({ code: grpc.status.PERMISSION_DENIED });
  client.close();
});

test("a method that none of its services has is an error that names it", async () => {
  await using world = await openWorld();
  const { say, ...others } = CHAT;
  const client = clientOn(interceptedChannel(channelTo(world), [others], []));
  await expect(client.say("hello")).rejects.toThrow(
    `interceptedChannel: none of its services has ${say.path}`,
  );
  client.close();
});

test("closing it closes the channel beneath", async () => {
  await using world = await openWorld();
  const channel = channelTo(world);
  interceptedChannel(channel, [CHAT], []).close();
  expect(channel.getConnectivityState(false)).toBe(grpc.connectivityState.SHUTDOWN);
});
