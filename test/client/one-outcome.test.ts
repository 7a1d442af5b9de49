/**
 * What a client asks of AS, TGS and V ends once, whatever happens to its channels: the statuses of all calls
 * that it began are counted, below its promises.
 */

import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { memoryCache } from "../../src/client/credential-cache.js";
import type { KerberosClient } from "../../src/client/kerberos-client.js";
import { addApplicationService } from "../../src/gen/kerberos/v1/application_service_grpc.js";
import { addAuthenticationService } from "../../src/gen/kerberos/v1/authentication_service_grpc.js";
import { WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../src/gen/kerberos/v1/operations_pb.js";
import { addTicketGrantingService } from "../../src/gen/kerberos/v1/ticket_granting_service_grpc.js";
import { createTestRealm, type TestRealm } from "../../src/testing/index.js";
import { NEVER_RESOLVED } from "../support/never-resolver.js";
import { startSilentServer } from "../support/silent-server.js";

const WHO_AM_I = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
const { CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE } = grpc.status;

let realm: TestRealm;
beforeAll(async () => {
  realm = await createTestRealm({ users: { alice: "apple" } });
});
afterAll(() => realm.close());

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** What a client is asked for, by the server that it takes. */
const ASKED: Record<string, (client: KerberosClient, address: string) => Promise<unknown>> = {
  AS: (client) => client.login("alice@TEST.EXAMPLE", "apple"),
  TGS: (client) => client.serviceTicket("v/localhost@TEST.EXAMPLE"),
  V: (client, address) => client.access({ ...realm.v, address }, WHO_AM_I, {}),
};

interface Scene {
  readonly client: KerberosClient;
  readonly outcome: Promise<unknown>;
  readonly counted: { calls: number; statuses: grpc.status[] };
}

/** A client that asks a server at an address; it has what it needs from the others. */
async function ask(which: string, address: string, timeoutMs = 15_000): Promise<Scene> {
  const cache = memoryCache();
  const before = realm.client({ cache });
  await before.login("alice@TEST.EXAMPLE", "apple");
  if (which === "V") await before.serviceTicket(realm.v.principal);
  const counted: Scene["counted"] = { calls: 0, statuses: [] };
  const counting: grpc.Interceptor = (options, next) =>
    new grpc.InterceptingCall(next(options), {
      start: (metadata, _, start) => {
        counted.calls++;
        start(metadata, {
          onReceiveStatus: (status, tell) => {
            counted.statuses.push(status.code);
            tell(status);
          },
        });
      },
    });
  const client = realm.client({
    cache,
    timeoutMs,
    kdc: { as: address, tgs: address },
    interceptors: [counting],
  });
  open.push(client);
  const outcome = ASKED[which]!(client, address).catch((error: unknown) => error);
  return { client, outcome, counted };
}

/** A server that takes every request, and answers none. */
async function startHoldingServer() {
  const server = new grpc.Server();
  let tell = () => {};
  const reached = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const hold = () => {
    tell();
    return new Promise<never>(() => {});
  };
  addAuthenticationService(server, { authenticate: hold });
  addTicketGrantingService(server, { grantTicket: hold });
  addApplicationService(server, { access: hold });
  const bind = promisify(server.bindAsync.bind(server));
  const port = await bind("127.0.0.1:0", grpc.ServerCredentials.createInsecure());
  open.push({ close: () => server.forceShutdown() });
  return { server, reached, address: `127.0.0.1:${port}` };
}

interface Event {
  readonly what: string;
  readonly happens: (which: string) => Promise<Scene>;
  readonly codes: readonly grpc.status[];
}

const resolving = (which: string, ms?: number) => ask(which, NEVER_RESOLVED, ms);
const connecting = async (which: string, ms?: number) => {
  const silent = await startSilentServer();
  open.push(silent);
  const scene = await ask(which, silent.address, ms);
  // On a slow machine the time may be up before.
  await Promise.race([silent.connected, scene.outcome]);
  return scene;
};
const underWay = async (which: string, ms?: number) => {
  const { server, reached, address } = await startHoldingServer();
  const scene = await ask(which, address, ms);
  await Promise.race([reached, scene.outcome]);
  return { ...scene, server };
};

/** Closes the client once its call has begun. */
async function closed(scene: Scene): Promise<Scene> {
  while (scene.counted.calls === 0) await setImmediate();
  scene.client.close();
  return scene;
}

const EVENTS: readonly Event[] = [
  {
    what: "the client is closed at once",
    happens: async (which) => {
      const scene = await ask(which, NEVER_RESOLVED);
      scene.client.close();
      return scene;
    },
    codes: [UNAVAILABLE, CANCELLED],
  },
  {
    what: "the client is closed while a name is resolved",
    happens: async (which) => closed(await resolving(which)),
    codes: [UNAVAILABLE],
  },
  {
    what: "the client is closed while it connects",
    happens: async (which) => closed(await connecting(which)),
    codes: [UNAVAILABLE],
  },
  {
    what: "the client is closed, and the server killed, while the call is under way",
    happens: async (which) => {
      const scene = await underWay(which);
      scene.client.close();
      scene.server.forceShutdown();
      return scene;
    },
    codes: [UNAVAILABLE, CANCELLED],
  },
  {
    what: "the server is killed while the call is under way",
    happens: async (which) => {
      const scene = await underWay(which);
      scene.server.forceShutdown();
      return scene;
    },
    codes: [UNAVAILABLE, CANCELLED],
  },
  ...Object.entries({
    "a name is resolved": resolving,
    "it connects": connecting,
    "the call is under way": underWay,
  }).map(([stage, arrive]) => ({
    what: `the time is up while ${stage}`,
    happens: (which: string) => arrive(which, 400),
    codes: [DEADLINE_EXCEEDED],
  })),
];

describe.each(Object.keys(ASKED))("what is asked of the %s", (which) => {
  test.each(EVENTS)("ends once when $what", async ({ happens, codes }) => {
    const { client, outcome, counted } = await happens(which);
    const error = (await outcome) as { code: grpc.status };
    expect(codes).toContain(error.code);
    client.close();
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    expect(counted.statuses).toHaveLength(counted.calls);
    expect(counted.calls).toBeLessThanOrEqual(1);
  });

  // A login that was under way went on over a new channel, which nobody closed.
  test("is not asked by a client that is closed", async () => {
    const { client, outcome } = await ask(which, NEVER_RESOLVED);
    client.close();
    await outcome;
    await expect(ASKED[which]!(client, NEVER_RESOLVED)).rejects.toMatchObject({
      name: "RpcError",
      code: CANCELLED,
      message: "the client is closed",
    });
  });
});
