/** Every order in which the steps of calls on one proof can come: one of them is let in, and no more. */
import { describe, expect, test } from "vitest";
import { openGuard, type Sent } from "./by-hand.js";
import { bindUnder, bindWith, challengeOf, openSession, tagOf } from "./session-by-hand.js";

/** All orders in which lists can be merged that each keep their own order. */
function merges<T>(lists: readonly (readonly T[])[]): T[][] {
  const left = lists.filter((list) => list.length > 0);
  if (left.length === 0) return [[]];
  return left.flatMap((list) => {
    const [first, ...rest] = list;
    return merges(left.map((other) => (other === list ? rest : other))).map((merged) => [first!, ...merged]);
  });
}

interface Scene {
  readonly what: string;
  /** Calls that a guard may let one of run. */
  readonly calls: (world: ReturnType<typeof openWorld>) => readonly Sent[];
}

function openWorld() {
  const clock = { uptime: 0 };
  const guard = openGuard({ uptime: () => clock.uptime });
  return { clock, guard, session: openSession(guard), challenge: challengeOf(guard) };
}

const scenes: readonly Scene[] = [
  {
    what: "two copies of a call under a session",
    calls: ({ session }) => [bindUnder(session, { number: 1 }), bindUnder(session, { number: 1 })],
  },
  {
    what: "three of them, one with another request",
    calls: ({ session }) => [
      bindUnder(session, { number: 1 }),
      bindUnder(session, { number: 1, text: "<other>" }),
      bindUnder(session, { number: 1 }),
    ],
  },
  {
    what: "two copies of an AP-REQ with a challenge",
    calls: ({ challenge }) => {
      const bound = bindWith({ challenge });
      return [bound, bound];
    },
  },
  {
    what: "a call under a session, and two copies of the one that repeats it",
    calls: ({ session, challenge }) => {
      const repeat = bindWith({ challenge, repeats: { session: session.id, number: 1 } });
      return [bindUnder(session, { number: 1 }), repeat, repeat];
    },
  },
  {
    what: "a call under a session, and two calls that repeat it",
    calls: ({ session, challenge }) => {
      const repeats = { session: session.id, number: 1 };
      return [
        bindUnder(session, { number: 1 }),
        bindWith({ challenge, repeats }),
        bindWith({ challenge, repeats }),
      ];
    },
  },
  {
    what: "an AP-REQ, and two calls that repeat it by its tag",
    calls: ({ challenge }) => {
      const first = bindWith({ challenge });
      const repeats = { tag: tagOf(first) };
      return [first, bindWith({ challenge, repeats }), bindWith({ challenge, repeats })];
    },
  },
];

/** Runs one order of steps, and says how many calls were let in. */
function run(calls: readonly Sent[], order: readonly number[], world: ReturnType<typeof openWorld>): number {
  const opened = calls.map(({ method }) => world.guard.open({ method }));
  const isLooked = calls.map(() => false);
  for (const index of order) {
    const { metadata, request } = calls[index]!;
    // Metadata belongs to its call: the guard takes the proof out of it.
    if (isLooked[index]) opened[index]!.call.onReceiveMessage(request);
    else opened[index]!.call.onReceiveMetadata(metadata.clone());
    isLooked[index] = true;
  }
  return opened.filter(({ handler }) => handler.length > 0).length;
}

describe("of steps in every order, one call is let in", () => {
  test.each(scenes)("$what", ({ calls }) => {
    const count = calls(openWorld()).length;
    const orders = merges(Array.from({ length: count }, (_, index) => [index, index]));
    expect(orders).toHaveLength(count === 2 ? 6 : 90);
    for (const order of orders) {
      const world = openWorld();
      expect({ order, letIn: run(calls(world), order, world) }).toEqual({ order, letIn: 1 });
    }
  });
});

test("of calls that were held back and what repeats them, one is let in, and none that was held back", () => {
  for (const copies of [
    { late: 2, repeats: 1 },
    { late: 1, repeats: 2 },
  ])
    for (const order of merges([0, 1, 2].map((index) => [index, index]))) {
      const world = openWorld();
      const { session, clock, guard } = world;
      const late = bindUnder(session, { number: 1 });
      clock.uptime = 60_001;
      const repeat = bindWith({
        challenge: challengeOf(guard),
        repeats: { session: session.id, number: 1 },
      });
      const calls = [...Array(copies.late).fill(late), ...Array(copies.repeats).fill(repeat)] as Sent[];
      expect({ order, letIn: run(calls, order, world) }).toEqual({ order, letIn: 1 });
      expect(run([late], [0, 0], world)).toBe(0);
    }
});

test("of a call and its two repeats, delivered over plaintext to two processes in any order, one runs", () => {
  const peer = { remoteAddress: "192.0.2.1" };
  let orders = 0;
  // Each of the three attempts goes to each process, at any time: whoever is on the way can do that.
  const deliveries = [0, 1, 2].flatMap((attempt) => [0, 1].map((process) => ({ attempt, process })));
  for (const order of merges(deliveries.map((delivery) => [delivery]))) {
    const processes = [openGuard({ uptime: () => 0 }), openGuard({ uptime: () => 0 })] as const;
    const session = openSession(processes[0], peer);
    const repeats = { session: session.id, number: 1 };
    const attempts = [
      bindUnder(session, { number: 1 }),
      bindWith({ challenge: challengeOf(processes[1], peer), repeats }),
      bindWith({ challenge: challengeOf(processes[0], peer), repeats }),
    ];
    const ran = order.filter(({ attempt, process }) => {
      const { metadata, ...sent } = attempts[attempt]!;
      const copy = { ...sent, metadata: metadata.clone() };
      return processes[process]!.send(copy, peer).handler.length > 0;
    });
    expect({ order, ran: ran.length }).toEqual({ order, ran: 1 });
    orders++;
  }
  expect(orders).toBe(720);
});
