/**
 * A realm with a guarded service, for the tests of the guard and of the ticket interceptor: real KDC, real
 * sockets, a clock that the test turns.
 *
 *   await using world = await openWorld({ guard: { protection: "integrity" } });
 *   await world.client({ protection: "privacy" }).say("hello");
 */
import * as grpc from "@grpc/grpc-js";
import {
  type KerberosClient,
  type TicketInterceptorOptions,
  ticketInterceptor,
} from "../../../src/client/index.js";
import type { Principal } from "../../../src/protocol/principal.js";
import type { ServiceKeys } from "../../../src/protocol/ticket.js";
import type { LogRecord } from "../../../src/services/exchange-log.js";
import { type Caller, callerOf } from "../../../src/services/guard/caller.js";
import type { GuardOptions } from "../../../src/services/guard/config.js";
import { guard } from "../../../src/services/guard/interceptor.js";
import { MemoryReplayCache } from "../../../src/store/replay/memory-replay-cache.js";
import type { ReplayCache } from "../../../src/store/replay/replay-cache.js";
import { createTestRealm, type TestRealm } from "../../../src/testing/test-realm.js";
import { addChat, CHAT_METHODS, ChatClient, type ChatHandlers } from "./chat.js";

export const SERVICE = "chat/api.example.test";

/** What a world may be told. */
export interface WorldOptions {
  readonly guard?: Partial<GuardOptions>;
  readonly handlers?: Partial<ChatHandlers>;
  /** Interceptors before and behind the guard. */
  readonly before?: readonly grpc.ServerInterceptor[];
  readonly behind?: readonly grpc.ServerInterceptor[];
  readonly credentials?: grpc.ServerCredentials;
  /** Where the server listens; 127.0.0.1 by default. */
  readonly host?: string;
  readonly channel?: grpc.ChannelCredentials;
  readonly realm?: TestRealm;
  /** Whether the guard has no replay cache, and so challenges and sessions. */
  readonly sessions?: boolean;
}

/** A realm and a guarded service in it. */
export interface World extends AsyncDisposable {
  readonly realm: TestRealm;
  readonly service: Principal;
  readonly keys: ServiceKeys;
  readonly address: string;
  readonly alice: KerberosClient;
  readonly replayCache: Pick<ReplayCache, "store">;
  /** What reached a handler: the method and who called. */
  readonly seen: { readonly method: string; readonly caller: Caller | undefined }[];
  readonly log: LogRecord[];
  readonly server: grpc.Server;
  /** Ends the service, and starts another process of it, as it were, at the same address. */
  restart(): Promise<void>;
  /** A client of the service with alice's tickets, or with the interceptors given. */
  client(options?: ClientWish): ChatClient;
}

export interface ClientWish extends TicketInterceptorOptions {
  readonly as?: KerberosClient;
  readonly service?: string;
  readonly address?: string;
  readonly interceptors?: readonly grpc.Interceptor[];
  readonly channelOptions?: grpc.ChannelOptions;
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const realm =
    options.realm ??
    (await createTestRealm({ users: { alice: "secret", bob: "other" }, services: [SERVICE] }));
  const keys = await realm.keys(SERVICE);
  const replayCache =
    options.guard?.replayCache ??
    new MemoryReplayCache({ skew: realm.policy.clockSkew, startedAt: realm.now, restart: "fresh" });
  const log: LogRecord[] = [];
  const seen: World["seen"] = [];
  const { host = "127.0.0.1", credentials = grpc.ServerCredentials.createInsecure() } = options;
  const start = async (at: number) => {
    const guarded = guard({
      keytab: () => keys,
      clock: () => realm.now,
      log: (record) => void log.push(record),
      ...options.guard,
      replayCache: options.sessions === true ? undefined : replayCache,
    });
    const interceptors = [...(options.before ?? []), guarded, ...(options.behind ?? [])];
    const server = new grpc.Server({ interceptors });
    addChat(server, (method, call) => seen.push({ method, caller: callerIfAny(call) }), options.handlers);
    return { server, port: await listen(server, credentials, `${host}:${at}`) };
  };
  let running = await start(0);
  const address = `127.0.0.1:${running.port}`;
  const alice = await realm.login("alice", "secret");
  const clients: ChatClient[] = [];
  return {
    realm,
    keys,
    service: keys.principal,
    address,
    alice,
    replayCache,
    seen,
    log,
    get server() {
      return running.server;
    },
    restart: async () => {
      running.server.forceShutdown();
      running = await start(running.port);
    },
    client: (wish = {}) => {
      const {
        as = alice,
        service = SERVICE,
        address: to = address,
        interceptors: given,
        channelOptions,
        ...rest
      } = wish;
      const own = given ?? [ticketInterceptor(as, service, rest)];
      const channel = options.channel ?? grpc.credentials.createInsecure();
      const client = new ChatClient(to, channel, {
        ...channelOptions,
        interceptors: [...own],
      });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      running.server.forceShutdown();
      if (options.realm === undefined) await realm.close();
    },
  };
}

export { CHAT_METHODS };

function callerIfAny(call: { metadata: grpc.Metadata }): Caller | undefined {
  try {
    return callerOf(call);
  } catch {
    return undefined;
  }
}

function listen(server: grpc.Server, credentials: grpc.ServerCredentials, at: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(at, credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
}
