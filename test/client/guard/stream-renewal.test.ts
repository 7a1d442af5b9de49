/** When a client asks for a stream's next ticket, and what it does where there is none. */
import { expect, test } from "vitest";
import { StreamRenewal } from "../../../src/client/guard/stream-renewal.js";
import type { ServiceProof } from "../../../src/client/guard/tickets.js";
import type { Credentials } from "../../../src/protocol/credentials.js";
import type { KrbError } from "../../../src/protocol/krb-error.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { TurnedTimers } from "../../../src/testing/turned-timers.js";
import { NOW, settled, ticketFor } from "./by-hand.js";

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** A stream whose ticket lasts ten hours, and a source that answers as the test says. */
function openStream({ begun = NOW }: { readonly begun?: number } = {}) {
  const state = { now: begun };
  const timers = new TurnedTimers(() => state.now);
  const clock = () => state.now;
  const ticket = (changes: Partial<Credentials> = {}): ServiceProof => {
    const credentials = { ...ticketFor(), starttime: NOW, endtime: NOW + 10 * HOUR, ...changes };
    return { credentials, clock };
  };
  const asked: string[] = [];
  let next: () => Promise<ServiceProof> = async () => ticket();
  const renewed: number[] = [];
  const ended: KrbError[] = [];
  let refuses: Error | undefined;
  const renewal = new StreamRenewal(
    {
      tickets: {
        serviceProof: (service) => {
          asked.push(`${service} ${(state.now - NOW) / MINUTE}`);
          return next();
        },
      },
      service: "chat/api.example.test",
      timer: timers.timer,
    },
    ticket(),
    {
      renew: ({ credentials }) => {
        if (refuses !== undefined) throw refuses;
        renewed.push(credentials.endtime);
      },
      end: (reason) => void ended.push(reason),
    },
  );
  return {
    renewal,
    timers,
    ticket,
    renewed,
    ended,
    /** When the source was asked, in minutes. */
    minutes: () => asked.map((line) => Number(line.split(" ")[1])),
    asked,
    answers: (answer: () => Promise<ServiceProof>) => {
      next = answer;
    },
    refuse: (error: Error | undefined) => {
      refuses = error;
    },
    async turn(ms: number) {
      state.now += ms;
      timers.turned();
      await settled();
    },
  };
}

test("asks in the last tenth of the ticket's life, and then of the next one's", async () => {
  const { turn, answers, ticket, asked, renewed, timers } = openStream();
  answers(async () => ticket({ starttime: NOW + 9 * HOUR, endtime: NOW + 19 * HOUR }));
  await turn(9 * HOUR - 1);
  expect(asked).toEqual([]);
  await turn(1);
  expect(asked).toEqual(["chat/api.example.test 540"]);
  expect(renewed).toEqual([NOW + 19 * HOUR]);
  answers(async () => ticket({ starttime: NOW + 18 * HOUR, endtime: NOW + 28 * HOUR }));
  await turn(9 * HOUR - 1);
  expect(renewed).toHaveLength(1);
  await turn(HOUR);
  expect(renewed).toEqual([NOW + 19 * HOUR, NOW + 28 * HOUR]);
  expect(timers.size).toBe(1);
});

test("asks again at each half of what is left, and once more when the ticket has ended", async () => {
  const { turn, minutes, ended } = openStream();
  await turn(9 * HOUR);
  for (let second = 0; second < 3_600; second++) await turn(1_000);
  const left = minutes().map((minute) => Math.round((600 - minute) * 60));
  expect(left.slice(0, 5)).toEqual([3_600, 1_800, 900, 450, 225]);
  expect(left.at(-1)).toBe(0);
  expect(left.length).toBeLessThan(20);
  expect(ended).toHaveLength(1);
  expect(ended[0]).toMatchObject({
    reason: "KRB_AP_ERR_TKT_EXPIRED",
    details: { endtime: "2026-03-01T22:00:00.000Z", client_time: "2026-03-01T22:00:00.000Z" },
  });
  expect(ended[0]!.message).toContain("the ticket at hand ends no later");
});

test("takes the ticket that is there only when the old one has ended", async () => {
  const { turn, answers, ticket, renewed, ended } = openStream();
  await turn(9 * HOUR);
  answers(async () => ticket({ starttime: NOW + 10 * HOUR, endtime: NOW + 20 * HOUR }));
  await turn(2 * HOUR);
  expect(renewed).toEqual([NOW + 20 * HOUR]);
  expect(ended).toEqual([]);
});

test("a source that fails is asked again; its last failure is said when the ticket has ended", async () => {
  const { turn, answers, ended, renewed, ticket } = openStream();
  answers(async () => {
    throw new Error("the KDC is away");
  });
  await turn(9 * HOUR);
  expect(ended).toEqual([]);
  answers(async () => ticket({ endtime: NOW + 15 * HOUR }));
  await turn(30 * MINUTE);
  expect(renewed).toEqual([NOW + 15 * HOUR]);
  answers(async () => {
    throw new Error("the KDC is away for good");
  });
  await turn(4 * HOUR);
  await turn(2 * HOUR);
  expect(ended[0]!.message).toMatch(/no other to renew it with: the KDC is away for good$/);
});

test.each([
  ["client", { client: parsePrincipal("bob@TEST.EXAMPLE", "client") }, "bob@TEST.EXAMPLE's"],
  [
    "service",
    { server: parsePrincipal("chat/b.test@TEST.EXAMPLE", "service") },
    "for chat/b.test@TEST.EXAMPLE",
  ],
])("another %s's ticket is not sent", async (_, changes, text) => {
  const { turn, answers, ticket, renewed, ended } = openStream();
  answers(async () => ticket({ ...changes, endtime: NOW + 20 * HOUR }));
  await turn(9 * HOUR);
  await turn(HOUR);
  expect(renewed).toEqual([]);
  expect(ended[0]!.message).toContain(text);
});

test("where a renewal can't be made, it tries again, and ends with the reason", async () => {
  const { turn, answers, ticket, ended, refuse } = openStream();
  answers(async () => ticket({ endtime: NOW + 20 * HOUR }));
  refuse(new Error("too many bytes"));
  await turn(9 * HOUR);
  expect(ended).toEqual([]);
  await turn(HOUR);
  expect(ended[0]!.message).toContain("too many bytes");
});

test("one that waits for its source asks for nothing else; a stopped one sends nothing", async () => {
  const { turn, answers, ticket, asked, renewed, renewal, timers, ended } = openStream();
  let answer!: (proof: ServiceProof) => void;
  answers(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  await turn(9 * HOUR);
  expect(timers.size).toBe(0);
  await turn(2 * HOUR);
  expect(asked).toHaveLength(1);
  renewal.stop();
  answer(ticket({ endtime: NOW + 20 * HOUR }));
  await settled();
  expect(renewed).toEqual([]);
  expect(ended).toEqual([]);
  expect(timers.size).toBe(0);
});

test("a stream that begins late in its ticket's life asks after half of what is left", async () => {
  const { turn, minutes } = openStream({ begun: NOW + 9.5 * HOUR });
  await turn(15 * MINUTE - 1);
  expect(minutes()).toEqual([]);
  await turn(1);
  expect(minutes()).toEqual([585]);
});

test("one that is woken too early waits on", async () => {
  const wakes: (() => void)[] = [];
  let asked = 0;
  const { ticket } = openStream();
  const renewal = new StreamRenewal(
    {
      tickets: {
        serviceProof: async () => {
          asked++;
          return ticket();
        },
      },
      service: "chat/api.example.test",
      timer: (_, wake) => {
        wakes.push(wake);
        return () => {};
      },
    },
    ticket(),
    { renew: () => {}, end: () => {} },
  );
  wakes[0]!();
  await settled();
  expect([asked, wakes.length]).toEqual([0, 2]);
  renewal.stop();
});
