/** The sessions of a client: one for each channel, login and service. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Beginning,
  ClientSession,
  ClientSessions,
  ONE_SHOT,
  type Plan,
} from "../../../src/client/guard/sessions.js";
import type { Credentials } from "../../../src/protocol/credentials.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { RpcError } from "../../../src/rpc/rpc-error.js";
import { NOW, serviceKeys, sessionKeys, ticketFor } from "./by-hand.js";

const UPTIME = 5_000_000;
const LIFE_S = 3600;
const CHANNEL = {};
const grant = { id: new Uint8Array(16), life: LIFE_S };

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(globalThis, "setTimeout");
  vi.spyOn(globalThis, "clearTimeout");
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** How many waits are still timed, among the timers of all that runs in this worker. */
function waitsTimed(): number {
  const { calls, results } = vi.mocked(setTimeout).mock;
  const cleared = vi.mocked(clearTimeout).mock.calls.map(([timer]) => timer as unknown);
  return results.filter(({ value }, i) => calls[i]![1] === 250 && !cleared.includes(value)).length;
}

function open() {
  const clock = { uptime: UPTIME };
  const sessions = new ClientSessions(() => clock.uptime);
  const ticket = ticketFor();
  return { clock, sessions, ticket };
}
const sessionOf = (ticket: Credentials, last = 0) =>
  new ClientSession(grant, sessionKeys(), ticket, UPTIME, last);

/** The session that a plan is to begin. */
function beginningOf(plan: Plan): Beginning {
  if (plan.by !== "exchange" || plan.beginning === undefined) throw new Error("the plan begins no session");
  return plan.beginning;
}

/** What has become of a plan by now: nothing else may be waited for. */
async function soFar(plan: Plan | Promise<Plan>): Promise<Plan | "waits"> {
  let found: Plan | "waits" = "waits";
  void Promise.resolve(plan).then((made) => {
    found = made;
  });
  await vi.advanceTimersByTimeAsync(0);
  return found;
}

describe("a session", () => {
  test("gives its numbers once, from 1 to 2^53 - 1", () => {
    const session = sessionOf(ticketFor());
    expect([session.takeNumber(), session.takeNumber(), session.takeNumber()]).toEqual([1, 2, 3]);
    const last = sessionOf(ticketFor(), Number.MAX_SAFE_INTEGER - 1);
    expect(last.takeNumber()).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => last.takeNumber()).toThrow(RpcError);
    expect(() => last.takeNumber()).toThrow(
      expect.objectContaining({
        codeName: "UNAVAILABLE",
        message: "the session has no number left for this call; try again",
      }),
    );
  });

  test("counts its age in whole seconds", () => {
    const session = sessionOf(ticketFor());
    expect([0, 999, 1000, 7_200_500].map((ms) => session.age(UPTIME + ms))).toEqual([0, 0, 1, 7200]);
  });

  test("is good until five seconds before its end, by the clock that is never set", () => {
    const ticket = ticketFor(undefined, { endtime: NOW + 36_000_000 });
    const session = sessionOf(ticket);
    const end = UPTIME + LIFE_S * 1000 - 5000;
    expect(session.isGood(ticket, NOW, end - 1)).toBe(true);
    expect(session.isGood(ticket, NOW, end)).toBe(false);
  });

  test("is good until its ticket ends, by the KDC's clock", () => {
    const ticket = ticketFor();
    const session = sessionOf(ticket);
    expect(session.isGood(ticket, ticket.endtime - 1, UPTIME)).toBe(true);
    expect(session.isGood(ticket, ticket.endtime, UPTIME)).toBe(false);
  });

  test("is good for a call that has its ticket, and for no other", () => {
    const ticket = ticketFor();
    const session = sessionOf(ticket);
    expect(session.isGood({ ...ticket, ticket: Uint8Array.from(ticket.ticket) }, NOW, UPTIME)).toBe(true);
    expect(session.isGood(ticketFor(), NOW, UPTIME)).toBe(false);
  });

  test("is good as long as it has numbers", () => {
    const ticket = ticketFor();
    const session = sessionOf(ticket, Number.MAX_SAFE_INTEGER - 1);
    expect(session.isGood(ticket, NOW, UPTIME)).toBe(true);
    session.takeNumber();
    expect(session.isGood(ticket, NOW, UPTIME)).toBe(false);
  });
});

describe("the first call", () => {
  test("begins a session, and those beside it wait for it", async () => {
    const { sessions, ticket } = open();
    const first = await sessions.plan(CHANNEL, ticket, NOW);
    const others = [1, 2, 3].map(() => sessions.plan(CHANNEL, ticket, NOW));
    for (const other of others) expect(await soFar(other)).toBe("waits");
    const session = sessionOf(ticket);
    beginningOf(first).settle(session);
    for (const other of others) expect(await other).toEqual({ by: "session", session });
    expect(await sessions.plan(CHANNEL, ticket, NOW)).toEqual({ by: "session", session });
    expect(waitsTimed()).toBe(0);
  });

  test("that gets none leaves the next to one of those that wait; the rest wait on", async () => {
    const { sessions, ticket } = open();
    const first = await sessions.plan(CHANNEL, ticket, NOW);
    const others = [1, 2, 3].map(() => sessions.plan(CHANNEL, ticket, NOW));
    beginningOf(first).settle(undefined);
    const found = await Promise.all(others.map(soFar));
    expect(found.filter((plan) => plan === "waits")).toHaveLength(2);
    const session = sessionOf(ticket);
    beginningOf(found[0] as Plan).settle(session);
    expect(await Promise.all(others.slice(1))).toEqual([
      { by: "session", session },
      { by: "session", session },
    ]);
  });

  test("that the service declines is asked for again after a minute; until then calls go without, at once", async () => {
    const { clock, sessions, ticket } = open();
    const first = await sessions.plan(CHANNEL, ticket, NOW);
    const others = [1, 2].map(() => sessions.plan(CHANNEL, ticket, NOW));
    beginningOf(first).decline();
    for (const other of others) expect(await other).toEqual(ONE_SHOT);
    expect(sessions.planRepeat(CHANNEL, ticket, NOW)).toEqual(ONE_SHOT);
    expect(beginningOf(await sessions.plan({}, ticket, NOW)).isOver).toBe(false);
    clock.uptime += 59_999;
    expect(await sessions.plan(CHANNEL, ticket, NOW)).toEqual(ONE_SHOT);
    clock.uptime += 1;
    expect(beginningOf(await sessions.plan(CHANNEL, ticket, NOW)).isOver).toBe(false);
    expect(waitsTimed()).toBe(0);
  });

  test("is over once: what is settled later changes nothing", async () => {
    const { sessions, ticket } = open();
    const beginning = beginningOf(await sessions.plan(CHANNEL, ticket, NOW));
    expect(beginning.isOver).toBe(false);
    const session = sessionOf(ticket);
    beginning.settle(session);
    expect(beginning.isOver).toBe(true);
    beginning.settle(undefined);
    beginning.decline();
    beginning.settle(sessionOf(ticket));
    expect(await sessions.plan(CHANNEL, ticket, NOW)).toEqual({ by: "session", session });
  });
});

describe("a session that takes long to make", () => {
  test("is waited for 250 ms: then one of those that wait begins another, and the rest go without", async () => {
    const { sessions, ticket } = open();
    const first = beginningOf(await sessions.plan(CHANNEL, ticket, NOW));
    const others = [1, 2, 3].map(() => sessions.plan(CHANNEL, ticket, NOW));
    await vi.advanceTimersByTimeAsync(249);
    for (const other of others) expect(await soFar(other)).toBe("waits");
    await vi.advanceTimersByTimeAsync(1);
    const [second, ...rest] = await Promise.all(others);
    expect(rest).toEqual([ONE_SHOT, ONE_SHOT]);
    const later = sessions.plan(CHANNEL, ticket, NOW);
    expect(await soFar(later)).toBe("waits");
    // The first comes to an end all the same: nobody waits for it any more.
    first.settle(undefined);
    expect(await soFar(later)).toBe("waits");
    const session = sessionOf(ticket);
    beginningOf(second!).settle(session);
    expect(await later).toEqual({ by: "session", session });
    expect(waitsTimed()).toBe(0);
  });

  test("is taken when it comes late, where there is none by then", async () => {
    const { sessions, ticket } = open();
    const first = beginningOf(await sessions.plan(CHANNEL, ticket, NOW));
    const second = sessions.plan(CHANNEL, ticket, NOW);
    await vi.advanceTimersByTimeAsync(250);
    beginningOf(await second);
    const waiting = sessions.plan(CHANNEL, ticket, NOW);
    const session = sessionOf(ticket);
    first.settle(session);
    expect(await sessions.plan(CHANNEL, ticket, NOW)).toEqual({ by: "session", session });
    await vi.advanceTimersByTimeAsync(250);
    expect(await waiting).toEqual({ by: "session", session });
  });
});

describe("a session of its own has", () => {
  const bob = parsePrincipal("bob@TEST.EXAMPLE", "client");
  const store = parsePrincipal("store/api.example.test@TEST.EXAMPLE", "service");
  test.each<[string, object, Credentials]>([
    ["another channel", {}, ticketFor()],
    ["another login", CHANNEL, ticketFor(undefined, { client: bob })],
    ["another service", CHANNEL, ticketFor({ ...serviceKeys(20), principal: store })],
  ])("%s", async (_, channel, other) => {
    const { sessions, ticket } = open();
    const mine = beginningOf(await sessions.plan(CHANNEL, ticket, NOW));
    const theirs = beginningOf(await sessions.plan(channel, other, NOW));
    mine.settle(sessionOf(ticket));
    expect(await sessions.plan(CHANNEL, ticket, NOW)).toMatchObject({ by: "session" });
    expect(await soFar(sessions.plan(channel, other, NOW))).toBe("waits");
    const session = sessionOf(other);
    theirs.settle(session);
    expect(await sessions.plan(channel, other, NOW)).toEqual({ by: "session", session });
  });

  test("the same login with another ticket: it was made anew", async () => {
    const { sessions, ticket } = open();
    beginningOf(await sessions.plan(CHANNEL, ticket, NOW)).settle(sessionOf(ticket));
    const anew = ticketFor();
    const beginning = beginningOf(await sessions.plan(CHANNEL, anew, NOW));
    const session = sessionOf(anew);
    beginning.settle(session);
    expect(await sessions.plan(CHANNEL, anew, NOW)).toEqual({ by: "session", session });
  });
});

describe("another session is begun", () => {
  test("when one has come to its end", async () => {
    const { sessions, ticket, clock } = open();
    const long = { ...ticket, endtime: NOW + 36_000_000 };
    beginningOf(await sessions.plan(CHANNEL, long, NOW)).settle(sessionOf(long));
    clock.uptime = UPTIME + LIFE_S * 1000 - 5001;
    expect(await sessions.plan(CHANNEL, long, NOW)).toMatchObject({ by: "session" });
    clock.uptime++;
    beginningOf(await sessions.plan(CHANNEL, long, NOW));
  });

  test("when its ticket has", async () => {
    const { sessions, ticket } = open();
    beginningOf(await sessions.plan(CHANNEL, ticket, NOW)).settle(sessionOf(ticket));
    beginningOf(await sessions.plan(CHANNEL, ticket, ticket.endtime));
  });

  test("when it has no number left", async () => {
    const { sessions, ticket } = open();
    const session = sessionOf(ticket, Number.MAX_SAFE_INTEGER);
    beginningOf(await sessions.plan(CHANNEL, ticket, NOW)).settle(session);
    beginningOf(await sessions.plan(CHANNEL, ticket, NOW));
  });

  test("when it was forgotten, and not when another has taken its place", async () => {
    const { sessions, ticket } = open();
    const [lost, next] = [sessionOf(ticket), sessionOf(ticket)];
    beginningOf(await sessions.plan(CHANNEL, ticket, NOW)).settle(lost);
    sessions.forget(CHANNEL, ticket, lost);
    beginningOf(await sessions.plan(CHANNEL, ticket, NOW)).settle(next);
    sessions.forget(CHANNEL, ticket, lost);
    expect(await sessions.plan(CHANNEL, ticket, NOW)).toEqual({ by: "session", session: next });
  });
});

describe("a repeat", () => {
  test("goes by an exchange, also beside a session: its authenticator says what it repeats", async () => {
    const { sessions, ticket } = open();
    beginningOf(await sessions.plan(CHANNEL, ticket, NOW)).settle(sessionOf(ticket));
    expect(sessions.planRepeat(CHANNEL, ticket, NOW)).toBe(ONE_SHOT);
  });

  test("begins a session where there is none, and none is being made", () => {
    const { sessions, ticket } = open();
    beginningOf(sessions.planRepeat(CHANNEL, ticket, NOW));
    expect(sessions.planRepeat(CHANNEL, ticket, NOW)).toBe(ONE_SHOT);
  });
});

test.each([3, 16])("a ticket of encryption type %i has no sessions, and waits for none", async (etype) => {
  const { sessions } = open();
  const ticket = ticketFor(serviceKeys(etype));
  expect(await sessions.plan(CHANNEL, ticket, NOW)).toBe(ONE_SHOT);
  expect(await sessions.plan(CHANNEL, ticket, NOW)).toBe(ONE_SHOT);
  expect(sessions.planRepeat(CHANNEL, ticket, NOW)).toBe(ONE_SHOT);
});
