/** Who is read when there is more to read than can be done: a turned clock, and readers that only count. */
import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { Connection, Peer } from "../../../src/rpc/entrance/connection.js";
import { Turns } from "../../../src/rpc/entrance/turns.js";

/** A connection, as its turns see it. */
class Visit {
  readonly connection: Connection;
  isRead = true;
  isClosed = false;

  constructor(
    readonly turns: Turns,
    peer: Peer,
  ) {
    this.connection = new Connection(new Socket(), peer);
    turns.join(this.connection, {
      stop: () => {
        this.isRead = false;
      },
      start: () => {
        this.isRead = true;
      },
      close: () => {
        this.isClosed = true;
        turns.leave(this.connection);
      },
    });
  }
}

function open() {
  const clock = { now: 1_000, cpu: 0 };
  const turns = new Turns(
    () => clock.now,
    () => clock.cpu,
  );
  const started: Visit[] = [];
  const refused: number[] = [];
  const peer = (key: string, count: number) => {
    const one = new Peer(key, true);
    return Array.from({ length: count }, () => new Visit(turns, one));
  };
  /** Reads calls of a connection; each takes a millisecond of its own. */
  const say = (visit: Visit, calls = 1, more: { isOver?: boolean; patience?: number; ms?: number } = {}) => {
    const { isOver = false, patience = 5_000, ms = 1 } = more;
    for (let call = 0; call < calls; call++) {
      clock.now += ms;
      turns.take(visit.connection, {
        method: "say",
        isOver: () => isOver,
        patienceMs: patience,
        start: () => void started.push(visit),
        refuse: () => void refused.push(turns.retryAfterMs),
      });
    }
  };
  /** The end of a turn. */
  const end = async () => {
    clock.cpu += 10;
    await new Promise(setImmediate);
  };
  return { clock, turns, started, refused, peer, say, end };
}

/** A crowd of whom each has more to say whenever it is read, beyond what a turn can bear. */
async function crowd(count: number, calls = 10) {
  const world = open();
  const all = world.peer("crowd", count);
  const talk = async (turnsOfIt = 1) => {
    for (let turn = 0; turn < turnsOfIt; turn++) {
      for (const visit of all) if (visit.isRead && !visit.isClosed) world.say(visit, calls);
      await world.end();
    }
  };
  return { ...world, all, talk };
}

describe("while reading is short", () => {
  test("calls start as they are read, and nobody waits", async () => {
    const { turns, peer, say, end, started } = open();
    const [a, b] = peer("a", 2);
    for (let turn = 0; turn < 50; turn++) {
      say(a!, 5);
      say(b!, 5);
      expect(started.length).toBe(10 * (turn + 1));
      await end();
    }
    expect([turns.isHolding, a!.isRead, b!.isRead]).toEqual([false, true, true]);
  });

  test("and where it took long for few calls, which is the system's doing", () => {
    const { turns, peer, say } = open();
    const [a] = peer("a", 1);
    say(a!, 7, { ms: 1_000 });
    expect(turns.isHolding).toBe(false);
  });
});

describe("reading that takes too long", () => {
  test("stops for all who have something to say, and what was read since starts at the turn's end", async () => {
    const { turns, peer, say, end, started } = open();
    const [a, b, c] = peer("a", 3);
    say(a!, 15);
    say(b!, 10);
    expect([turns.isHolding, a!.isRead, b!.isRead, c!.isRead]).toEqual([true, false, false, false]);
    expect(started.length).toBe(20);
    await end();
    expect(started.length).toBe(25);
  });

  test("goes on in turns until all is as before", async () => {
    const { turns, peer, say, end, started } = open();
    const all = peer("a", 5);
    for (const visit of all) say(visit, 10);
    expect(turns.isHolding).toBe(true);
    for (let turn = 0; turn < 40; turn++) await end();
    expect(started.length).toBe(50);
    expect([turns.isHolding, all.every(({ isRead }) => isRead)]).toEqual([false, true]);
  });

  test("does not start what its caller has given up", async () => {
    const { peer, say, end, started } = open();
    const [a] = peer("a", 1);
    say(a!, 25);
    say(a!, 100, { isOver: true });
    await end();
    expect(started.length).toBe(25);
  });
});

describe("a crowd", () => {
  test("is not served one by one, too late: some of it wholly, the others are left out", async () => {
    const count = 200;
    const { all, talk, started, turns } = await crowd(count);
    await talk(60);
    expect(turns.isHolding).toBe(true);
    expect(all.filter(({ isRead }) => !isRead).length).toBeGreaterThan(count / 2);
    // A turn's worth in each turn: nothing is lost by it.
    const served = started.slice(-count);
    expect(served.length).toBe(count);
    expect(new Set(served).size).toBeLessThan(count / 2);
  });

  test("costs a peer with one connection a few turns", async () => {
    const { talk, peer, say, started } = await crowd(500);
    await talk(10);
    const [other] = peer("other", 1);
    for (let call = 0; call < 20; call++) {
      let waits = 0;
      for (; !other!.isRead && waits < 9; waits++) await talk();
      expect(waits).toBeLessThan(6);
      say(other!);
      await talk(3);
    }
    expect(started.filter((visit) => visit === other).length).toBe(20);
  });

  test("costs one of its own peer that has little to say no more", async () => {
    const { talk, all, say, started, clock, turns } = await crowd(500);
    const light = new Visit(turns, all[0]!.connection.peer);
    say(light);
    clock.now += 300;
    await talk(10);
    const before = started.filter((visit) => visit === light).length;
    for (let call = 0; call < 20; call++) {
      let waits = 0;
      for (; !light.isRead && waits < 9; waits++) await talk();
      expect(waits).toBeLessThan(6);
      say(light);
      clock.now += 200;
      await talk(2);
    }
    expect(started.filter((visit) => visit === light).length - before).toBe(20);
  });

  test("that falls silent is read again, but for those whose callers have given up: they are closed", async () => {
    const { talk, all, clock, end, turns } = await crowd(300);
    await talk(60);
    const out = all.filter(({ isRead }) => !isRead).length;
    expect(out).toBeGreaterThan(100);
    for (let turn = 0; turn < 400 && turns.isHolding; turn++) {
      clock.now += 20;
      await end();
    }
    expect(turns.isHolding).toBe(false);
    expect(all.filter(({ isRead, isClosed }) => !isRead && !isClosed)).toEqual([]);
    expect(all.filter(({ isClosed }) => isClosed).length).toBeGreaterThan(0);
  });
});

test("a call that is never refused does not wait for others", () => {
  const { peer, say, started, turns } = open();
  const [a, b] = peer("a", 2);
  say(a!, 25);
  expect([turns.isHolding, started.length]).toEqual([true, 20]);
  say(b!, 1, { patience: Number.POSITIVE_INFINITY });
  expect(started.at(-1)).toBe(b);
});

test("of what waited for longer than its callers the newest is done, the rest is refused", async () => {
  const { turns, peer, say, end, refused, started, clock } = open();
  const [a, b] = peer("a", 2);
  say(a!, 25);
  say(b!, 1);
  expect(b!.isRead).toBe(false);
  clock.now += 2_000;
  await end();
  expect(b!.isRead).toBe(true);
  const before = started.length;
  say(b!, 20, { patience: 1_000, ms: 0.01 });
  await end();
  expect([started.length - before, refused.length]).toEqual([12, 8]);
  for (const ms of refused) expect(ms % 100).toBe(0);
  expect(turns.isHolding).toBe(true);
});

test("a connection that is gone is neither read nor waited for", async () => {
  const { turns, peer, say, end } = open();
  const [a, b] = peer("a", 2);
  say(a!, 25);
  expect(b!.isRead).toBe(false);
  turns.leave(b!.connection);
  for (let turn = 0; turn < 40; turn++) await end();
  expect([turns.isHolding, a!.isRead, b!.isRead]).toEqual([false, true, false]);
});
