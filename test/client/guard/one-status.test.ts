/**
 * A guarded call ends with exactly one status, whatever happens to its channel, and whenever: the four kinds
 * of call, each through every event. The application and the interceptors above the guard are counted.
 *
 * The story: `stub.say(…); stub.close()` was never answered, for every guarded call starts late, and grpc-js
 * loses the status of a call that starts on a closed channel (grpc/grpc-node#2786, #1985).
 */
import { setImmediate } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ticketInterceptor } from "../../../src/client/guard/interceptor.js";
import type { ServiceProof, TicketSource } from "../../../src/client/guard/tickets.js";
import { createTestRealm, type TestRealm } from "../../../src/testing/index.js";
import { CHAT, type ChatHandlers } from "../../services/guard/chat.js";
import { openWorld, SERVICE, type World } from "../../services/guard/world.js";
import { NEVER_RESOLVED } from "../../support/never-resolver.js";
import { startSilentServer } from "../../support/silent-server.js";

type Call = grpc.Call & { on(event: string, listener: (...args: never[]) => void): unknown };

interface Gate<T = void> {
  readonly opened: Promise<T>;
  open(value: T): void;
  fail(error: Error): void;
}

function gate<T = void>(): Gate<T> {
  let open!: (value: T) => void;
  let fail!: (error: Error) => void;
  const opened = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  opened.catch(() => {});
  return { opened, open, fail };
}

const line = { text: "a" };

/** How each kind of call is made; what its callback is given goes to `told`. */
const KINDS: Record<string, (client: grpc.Client, options: grpc.CallOptions, told: () => void) => Call> = {
  unary: (client, options, told) => {
    const { path, requestSerialize, responseDeserialize } = CHAT.say;
    return client.makeUnaryRequest(path, requestSerialize, responseDeserialize, line, options, told) as Call;
  },
  "server stream": (client, options) => {
    const { path, requestSerialize, responseDeserialize } = CHAT.list;
    return client
      .makeServerStreamRequest(path, requestSerialize, responseDeserialize, line, options)
      .resume();
  },
  "client stream": (client, options, told) => {
    const { path, requestSerialize, responseDeserialize } = CHAT.join;
    const call = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, options, told);
    call.write(line);
    return call;
  },
  "bidirectional stream": (client, options) => {
    const { path, requestSerialize, responseDeserialize } = CHAT.talk;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, options);
    call.write(line);
    return call.resume();
  },
};

let realm: TestRealm;
let proof: ServiceProof;
beforeAll(async () => {
  realm = await createTestRealm({ users: { alice: "secret", bob: "other" }, services: [SERVICE] });
  proof = await (await realm.login("alice")).serviceProof(SERVICE);
});
afterAll(() => realm.close());

/** A service whose handlers wait, a client whose tickets wait, and one call. */
class Scene {
  readonly world: World;
  readonly ticket = gate<ServiceProof>();
  /** The guard asks for a ticket. */
  readonly asked = gate();
  /** A handler has the call, and a stream of responses has its first. */
  readonly reached = gate();
  readonly answer: Gate;
  /** The guard asks for the KDC's clock, for the service has refused the time of the proof. */
  readonly asksTime = gate();
  /** Whether the clock has been corrected. */
  readonly time = gate<boolean>();
  readonly client: grpc.Client;
  readonly codes: grpc.status[] = [];
  /** How often the application was told: by its callback, or by the event `status`. */
  told = 0;
  readonly ended = gate();
  call: Call | undefined;

  constructor(world: World, answer: Gate, reached: Gate, address: string) {
    this.world = world;
    this.answer = answer;
    void reached.opened.then(() => this.reached.open());
    const tickets: TicketSource = {
      serviceProof: () => {
        this.asked.open();
        return this.ticket.opened;
      },
      correctClock: () => {
        this.asksTime.open();
        return this.time.opened;
      },
    };
    const counting: grpc.Interceptor = (options, next) =>
      new grpc.InterceptingCall(next(options), {
        start: (metadata, _, start) =>
          start(metadata, {
            onReceiveStatus: (status, tell) => {
              this.codes.push(status.code);
              this.ended.open();
              tell(status);
            },
          }),
      });
    const guarded = ticketInterceptor(tickets, SERVICE, { allowInsecureChannel: true });
    this.client = new grpc.Client(address, grpc.credentials.createInsecure(), {
      interceptors: [counting, guarded],
    });
  }

  start(kind: string, options: grpc.CallOptions = {}): void {
    let byCallback = false;
    const call = KINDS[kind]!(this.client, { deadline: Date.now() + 15_000, ...options }, () => {
      byCallback = true;
      this.told++;
    });
    call.on("error", () => {});
    call.on("status", () => {
      if (!byCallback && !/unary|client stream/.test(kind)) this.told++;
    });
    this.call = call;
  }
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function openScene(address?: string, aheadMs = 0): Promise<Scene> {
  const reached = gate();
  const answer = gate();
  const handlers: ChatHandlers = {
    say: (_, callback) => {
      reached.open();
      void answer.opened.then(() => callback(null, line));
    },
    list: (call) => {
      call.write(line);
      reached.open();
      void answer.opened.then(() => call.end());
    },
    join: (call, callback) => {
      call.resume();
      reached.open();
      void answer.opened.then(() => callback(null, line));
    },
    talk: (call) => {
      call.write(line);
      call.resume();
      reached.open();
      void answer.opened.then(() => call.end());
    },
  };
  const world = await openWorld({ realm, handlers, guard: { clock: () => realm.now + aheadMs } });
  const scene = new Scene(world, answer, reached, address ?? world.address);
  open.push({
    close: async () => {
      answer.open();
      scene.client.close();
      await world[Symbol.asyncDispose]();
    },
  });
  return scene;
}

const { CANCELLED, DEADLINE_EXCEEDED, OK, UNAUTHENTICATED, UNAVAILABLE } = grpc.status;

interface Event {
  readonly what: string;
  /** Makes the call and lets it happen; returns the codes with which the call may end. */
  readonly happens: (kind: string) => Promise<{ scene: Scene; codes: readonly grpc.status[] }>;
}

/** What happens to a call at one stage of it. */
const HAPPENINGS: Record<string, [(scene: Scene) => void, readonly grpc.status[]]> = {
  "the channel is closed": [({ client }) => client.close(), [UNAVAILABLE]],
  "the call is cancelled": [({ call }) => call!.cancel(), [CANCELLED]],
  "the channel is closed and the call cancelled": [
    ({ client, call }) => {
      client.close();
      call!.cancel();
    },
    [UNAVAILABLE, CANCELLED],
  ],
};

function eventsAt(
  stage: string,
  arrive: (kind: string, options?: grpc.CallOptions) => Promise<Scene>,
  afterwards: (scene: Scene) => void = () => {},
  more: readonly grpc.status[] = [],
): Event[] {
  return Object.entries(HAPPENINGS).map(([what, [happen, codes]]) => ({
    what: `${what} ${stage}`,
    happens: async (kind) => {
      const scene = await arrive(kind);
      happen(scene);
      afterwards(scene);
      return { scene, codes: [...codes, ...more] };
    },
  }));
}

const started = async (kind: string, options?: grpc.CallOptions, address?: string) => {
  const scene = await openScene(address);
  scene.start(kind, options);
  return scene;
};
const waiting = async (kind: string, options?: grpc.CallOptions) => {
  const scene = await started(kind, options);
  await Promise.race([scene.asked.opened, scene.ended.opened]);
  return scene;
};
const resolving = async (kind: string, options?: grpc.CallOptions) => {
  const scene = await started(kind, options, NEVER_RESOLVED);
  scene.ticket.open(proof);
  await setImmediate();
  return scene;
};
const connecting = async (kind: string, options?: grpc.CallOptions) => {
  const silent = await startSilentServer();
  open.push(silent);
  const scene = await started(kind, options, silent.address);
  scene.ticket.open(proof);
  // On a slow machine the deadline may pass before, here and below.
  await Promise.race([silent.connected, scene.ended.opened]);
  return scene;
};
const underWay = async (kind: string, options?: grpc.CallOptions) => {
  const scene = await started(kind, options);
  scene.ticket.open(proof);
  await Promise.race([scene.reached.opened, scene.ended.opened]);
  return scene;
};
const skewed = async (kind: string, options?: grpc.CallOptions) => {
  const scene = await openScene(undefined, 3_600_000);
  scene.start(kind, options);
  scene.ticket.open(proof);
  await Promise.race([scene.asksTime.opened, scene.ended.opened]);
  return scene;
};
const correctTime = ({ time }: Scene) => time.open(true);
const giveTicket = ({ ticket }: Scene) => ticket.open(proof);
const refuseTicket = ({ ticket }: Scene) =>
  ticket.fail(Object.assign(new Error("no ticket"), { code: UNAUTHENTICATED, details: "no ticket" }));

const overdue =
  (arrive: (kind: string, options?: grpc.CallOptions) => Promise<Scene>, ms: number) =>
  async (kind: string) => ({
    scene: await arrive(kind, { deadline: Date.now() + ms }),
    codes: [DEADLINE_EXCEEDED],
  });

const EVENTS: readonly Event[] = [
  ...eventsAt("at once, and its ticket comes", started, giveTicket),
  ...eventsAt("while its ticket is fetched, and the ticket comes", waiting, giveTicket),
  ...eventsAt("while its ticket is fetched, which never comes", waiting),
  ...eventsAt("while its name is resolved", resolving),
  ...eventsAt("while it connects", connecting),
  ...eventsAt("while the clock is corrected", skewed, correctTime, [UNAUTHENTICATED]),
  {
    what: "its time is refused twice",
    happens: async (kind) => {
      const scene = await skewed(kind);
      correctTime(scene);
      return { scene, codes: [UNAUTHENTICATED] };
    },
  },
  {
    what: "its time is refused, and the clock was right",
    happens: async (kind) => {
      const scene = await skewed(kind);
      scene.time.open(false);
      return { scene, codes: [UNAUTHENTICATED] };
    },
  },
  {
    what: "its time is refused on a closed channel",
    happens: async (kind) => {
      const scene = await openScene(undefined, 3_600_000);
      scene.start(kind);
      scene.ticket.open(proof);
      // Closed when the call is on its way: what runs, runs on.
      while (scene.world.log.length === 0) await setImmediate();
      scene.client.close();
      correctTime(scene);
      return { scene, codes: [UNAUTHENTICATED, UNAVAILABLE] };
    },
  },
  {
    what: "its ticket is refused",
    happens: async (kind) => {
      const scene = await waiting(kind);
      refuseTicket(scene);
      return { scene, codes: [UNAUTHENTICATED] };
    },
  },
  {
    what: "its ticket is refused on a closed channel",
    happens: async (kind) => {
      const scene = await waiting(kind);
      scene.client.close();
      refuseTicket(scene);
      return { scene, codes: [UNAUTHENTICATED, UNAVAILABLE] };
    },
  },
  {
    what: "the channel is closed while it is under way, and the service answers",
    happens: async (kind) => {
      const scene = await underWay(kind);
      scene.client.close();
      scene.answer.open();
      return { scene, codes: [OK] };
    },
  },
  {
    what: "it is cancelled while it is under way",
    happens: async (kind) => {
      const scene = await underWay(kind);
      scene.call!.cancel();
      scene.answer.open();
      return { scene, codes: [CANCELLED] };
    },
  },
  {
    what: "the server is killed while it is under way",
    happens: async (kind) => {
      const scene = await underWay(kind);
      scene.world.server.forceShutdown();
      // A stream that is reset bears no proof of why.
      return { scene, codes: [UNAVAILABLE, UNAUTHENTICATED] };
    },
  },
  {
    what: "the server is killed and the channel closed while it is under way",
    happens: async (kind) => {
      const scene = await underWay(kind);
      scene.client.close();
      scene.world.server.forceShutdown();
      // A stream that is reset bears no proof of why.
      return { scene, codes: [UNAVAILABLE, UNAUTHENTICATED] };
    },
  },
  {
    what: "the server is gone before it starts",
    happens: async (kind) => {
      const scene = await openScene();
      scene.world.server.forceShutdown();
      scene.start(kind);
      scene.ticket.open(proof);
      return { scene, codes: [UNAVAILABLE] };
    },
  },
  { what: "its deadline has passed before it starts", happens: overdue(started, -1) },
  { what: "its deadline passes while its ticket is fetched", happens: overdue(waiting, 40) },
  { what: "its deadline passes while its name is resolved", happens: overdue(resolving, 40) },
  { what: "its deadline passes while it connects", happens: overdue(connecting, 200) },
  { what: "its deadline passes while it is under way", happens: overdue(underWay, 1_500) },
  {
    what: "it is answered",
    happens: async (kind) => {
      const scene = await underWay(kind);
      scene.answer.open();
      return { scene, codes: [OK] };
    },
  },
];

describe.each(Object.keys(KINDS))("a guarded %s", (kind) => {
  test.each(EVENTS)("ends once when $what", async ({ happens }) => {
    const { scene, codes } = await happens(kind);
    await scene.ended.opened;
    expect(codes).toContain(scene.codes[0]);
    // Whatever comes afterwards is nobody's business any more.
    scene.ticket.open(proof);
    scene.time.open(true);
    scene.call!.cancel();
    scene.client.close();
    scene.answer.open();
    scene.world.server.forceShutdown();
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    expect(scene.codes).toHaveLength(1);
    expect(scene.told).toBe(1);
  });

  test("is not made on a closed channel: grpc-js throws at once", async () => {
    const scene = await openScene();
    scene.client.close();
    expect(() => scene.start(kind)).toThrow("Channel has been shut down");
  });
});
