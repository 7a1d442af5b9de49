import { EventEmitter } from "node:events";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TurnTaking } from "../../../../src/cli/serving/workers/turn-taking.js";

const [AS, TGS] = ["127.0.0.1:8801:4:undefined:0", "127.0.0.1:8802:4:undefined:0"];

/** A worker's process as node:cluster sees it: what it is sent, and what it has said. */
class WorkerEnd extends EventEmitter {
  readonly sent: unknown[] = [];
  readonly refused: number[] = [];
  isReady = true;

  constructor() {
    super();
    this.on("internalMessage", ({ ack, accepted }) => {
      if (accepted === false) this.refused.push(ack);
    });
  }

  send(message: { seq?: number }, ..._: unknown[]): boolean {
    this.sent.push(message.seq ?? message);
    return true;
  }

  /** cluster offers it a connection. */
  offer(seq: number, key = AS): void {
    this.send({ cmd: "NODE_CLUSTER", act: "newconn", key, seq } as never, "the connection");
  }

  /** It says that it has taken one. */
  take(seq: number): void {
    this.emit("internalMessage", { cmd: "NODE_CLUSTER", ack: seq, accepted: true });
  }

  /** Is offered one, and takes it. */
  serve(seq: number): void {
    this.offer(seq);
    this.take(seq);
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

function open() {
  const turns = new TurnTaking();
  const join = () => {
    const worker = new WorkerEnd();
    turns.join(worker, worker as never);
    return worker;
  };
  return { turns, join };
}

test("who has had its turn refuses, until the others have had theirs", async () => {
  const { join } = open();
  const [a, b, c] = [join(), join(), join()];
  a.serve(1);
  a.offer(2);
  await setImmediate();
  expect([a.sent, a.refused]).toEqual([[1], [2]]);
  b.serve(3);
  a.offer(4);
  await setImmediate();
  expect([a.sent, a.refused]).toEqual([[1], [2, 4]]);
  c.serve(5);
  a.offer(6);
  expect(a.sent).toEqual([1, 6]);
});

test("a worker that has not answered yet is waited for, with a pause between the offers", async () => {
  const { join } = open();
  const [a, b] = [join(), join()];
  b.serve(1);
  a.offer(2);
  b.serve(3);
  b.offer(4);
  await setImmediate();
  expect(b.refused).toEqual([]);
  vi.advanceTimersByTime(1);
  expect([b.sent, b.refused]).toEqual([[1, 3], [4]]);
  a.take(2);
  a.serve(5);
  b.offer(6);
  expect(b.sent).toEqual([1, 3, 6]);
});

test("a worker that does not answer for a while misses its turns, and does not make up for them", async () => {
  const { join } = open();
  const [a, b] = [join(), join()];
  b.offer(1);
  a.serve(2);
  a.offer(3);
  vi.advanceTimersByTime(1);
  expect(a.refused).toEqual([]);
  a.take(3);
  a.offer(4);
  vi.advanceTimersByTime(1);
  expect(a.refused).toEqual([4]);
  vi.advanceTimersByTime(250);
  for (let seq = 5; seq < 100; seq++) a.serve(seq);
  expect(a.sent).toHaveLength(2 + 95);
  b.take(1);
  for (const seq of [100, 101, 102]) b.serve(seq);
  await setImmediate();
  expect([b.sent, b.refused]).toEqual([[1, 100, 101], [102]]);
});

test("one that cluster offers nothing is waited for no longer than one that does not answer", async () => {
  const { join } = open();
  const [a] = [join(), join()];
  a.serve(1);
  a.offer(2);
  await setImmediate();
  expect(a.refused).toEqual([2]);
  vi.advanceTimersByTime(250);
  a.offer(3);
  expect(a.sent).toEqual([1, 3]);
});

test.each(["that does not listen yet, or no more", "that has ended"])("nobody waits for one %s", (which) => {
  const { turns, join } = open();
  const [a, b] = [join(), join()];
  if (which === "that has ended") turns.leave(b);
  else b.isReady = false;
  for (const seq of [1, 2, 3]) a.serve(seq);
  expect(a.sent).toEqual([1, 2, 3]);
});

test("one that comes later has its turns from then on", async () => {
  const { join } = open();
  const a = join();
  for (const seq of [1, 2, 3]) a.serve(seq);
  const b = join();
  a.serve(4);
  for (const seq of [5, 6, 7]) b.serve(seq);
  await setImmediate();
  expect([a.sent, b.sent, b.refused]).toEqual([[1, 2, 3, 4], [5, 6], [7]]);
});

test("each listener has turns of its own", () => {
  const { join } = open();
  const [a] = [join(), join()];
  a.serve(1);
  a.offer(2, TGS);
  expect(a.sent).toEqual([1, 2]);
});

test("all that is no offer of a connection goes its way", () => {
  const { join } = open();
  const [a] = [join(), join()];
  a.serve(1);
  for (const message of ["measure", { cmd: "NODE_CLUSTER", act: "disconnect" }]) a.send(message as never);
  expect(a.sent).toEqual([1, "measure", { cmd: "NODE_CLUSTER", act: "disconnect" }]);
});
