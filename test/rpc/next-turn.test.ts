import { EventEmitter } from "node:events";
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { Chain } from "../../src/collections/chain.js";
import { CallScope, type HandlerContext } from "../../src/rpc/call-scope.js";
import { nextTurn } from "../../src/rpc/next-turn.js";
import { RpcError } from "../../src/rpc/rpc-error.js";

test("all who wait in a turn share it and resume in the order they came, step by step", async () => {
  const steps: string[] = [];
  const run = async (name: string) => {
    await nextTurn();
    steps.push(`${name} begins`);
    await undefined;
    steps.push(`${name} ends`);
  };
  await Promise.all([run("a"), run("b"), run("c")]);
  expect(steps).toEqual(["a begins", "b begins", "c begins", "a ends", "b ends", "c ends"]);
});

test("a turn that is over is not the next one", async () => {
  const first = nextTurn();
  expect(nextTurn()).toBe(first);
  await first;
  expect(nextTurn()).not.toBe(first);
});

/** What a CallScope needs of grpc-js's call. */
class Call extends EventEmitter {
  readonly metadata = new grpc.Metadata();
  readonly cancelled = false;
  getPeer = () => "127.0.0.1:1";
  getHost = () => "localhost";
  getDeadline = () => Number.POSITIVE_INFINITY;
}

test("a call that is cancelled before its turn reaches no handler and gets no status", async () => {
  const call = new Call();
  const scope = new CallScope(call as unknown as HandlerContext["call"], "/a.B/C", {}, new Chain());
  const reached: string[] = [];
  const settled = scope.settle(
    async () => reached.push("handler"),
    () => reached.push("answer"),
    () => reached.push("status"),
  );
  call.emit("cancelled");
  await settled;
  expect(reached).toEqual([]);
});

test("a call that is out of time before its turn reaches no handler and is told so", async () => {
  const scope = new CallScope(new Call() as unknown as HandlerContext["call"], "/a.B/C", {}, new Chain());
  const reached: unknown[] = [];
  const settled = scope.settle(
    async () => reached.push("handler"),
    () => reached.push("answer"),
    ({ code, details }) => reached.push([code, details]),
  );
  scope.abort(new RpcError(grpc.status.DEADLINE_EXCEEDED, "late"));
  await settled;
  expect(reached).toMatchObject([[grpc.status.DEADLINE_EXCEEDED, "late"]]);
});
