/** Who gets in where connections and calls are full, and who makes room. */
import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import type { Connection } from "../../../src/rpc/entrance/connection.js";
import { Connections } from "../../../src/rpc/entrance/connections.js";
import { readLimits } from "../../../src/rpc/entrance/limits.js";

const [A, B, C] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];

function open(options: Parameters<typeof readLimits>[0]) {
  const connections = new Connections(readLimits(options));
  const closed: Connection[] = [];
  const add = (key?: string) => connections.add(new Socket(), key, (leaving) => closed.push(leaving));
  const addMany = (count: number, key?: string) => Array.from({ length: count }, () => add(key)!);
  return { connections, closed, add, addMany };
}

describe("a peer that has its share", () => {
  test("gives up what has been without a call for longest, and others nothing", () => {
    const { connections, closed, add, addMany } = open({ connections: 10, connectionsPerPeer: 3 });
    const [first, second, third] = addMany(3, A);
    addMany(2, B);
    connections.beginCall(first!);
    expect(add(A)).toBeDefined();
    expect(closed).toEqual([second]);
    connections.endCall(first!);
    expect(add(A)).toBeDefined();
    expect(closed).toEqual([second, third]);
    expect(connections.size).toBe(5);
  });

  test("gets no more while all it has are at work", () => {
    const { connections, closed, add, addMany } = open({ connections: 10, connectionsPerPeer: 2 });
    for (const connection of addMany(2, A)) connections.beginCall(connection);
    expect(add(A)).toBeUndefined();
    expect(closed).toEqual([]);
    expect(connections.size).toBe(2);
  });
});

describe("where all are taken", () => {
  test("a newcomer takes from whoever has most", () => {
    const { connections, closed, add, addMany } = open({ connections: 6, connectionsPerPeer: 6 });
    const [ofA] = addMany(4, A);
    addMany(2, B);
    expect(add(C)).toBeDefined();
    expect(closed).toEqual([ofA]);
    expect(connections.size).toBe(6);
  });

  test("nobody takes from whoever would be left with less than they have, but from themselves", () => {
    const { closed, add, addMany } = open({ connections: 4, connectionsPerPeer: 4 });
    addMany(2, A);
    const [ofB] = addMany(2, B);
    expect(add(B)).toBeDefined();
    expect(closed).toEqual([ofB]);
  });

  test("nobody gets in while all are at work", () => {
    const { connections, add, addMany } = open({ connections: 4, connectionsPerPeer: 4 });
    for (const connection of addMany(4, A)) connections.beginCall(connection);
    expect(add(B)).toBeUndefined();
  });

  test("whoever has no share gets in as others do, and has no bound of its own", () => {
    const { connections, closed, add, addMany } = open({ connections: 6, connectionsPerPeer: 1 });
    addMany(5);
    expect(connections.size).toBe(5);
    addMany(1, A);
    expect(add(A)).toBeDefined();
    expect(closed.length).toBe(1);
  });
});

test("a connection that is forgotten twice counts once, and its peer with its last call", () => {
  const { connections, add } = open({ connections: 2, connectionsPerPeer: 1, calls: 2, callsPerPeer: 1 });
  const connection = add(A)!;
  connections.beginCall(connection);
  connections.remove(connection);
  connections.remove(connection);
  expect([connections.size, connections.calls]).toEqual([0, 1]);
  const again = add(A)!;
  expect([connections.beginCall(again), connections.beginCall(again)]).toEqual([true, false]);
  connections.endCall(again);
  connections.endCall(connection);
  expect([connections.beginCall(again), connections.calls]).toEqual([true, 1]);
});

test("calls have a bound in all, and one for each peer that has a share", () => {
  const { connections, add } = open({ calls: 3, callsPerPeer: 2 });
  const [a, b, proxy] = [add(A)!, add(B)!, add()!];
  expect([a, a, a, b, b].map((one) => connections.beginCall(one))).toEqual([true, true, false, true, false]);
  for (const one of [a, a, b]) connections.endCall(one);
  expect([1, 2, 3, 4].map(() => connections.beginCall(proxy))).toEqual([true, true, true, false]);
});

test("where a peer has its share, each of its connections has one call all the same", () => {
  const { connections, add } = open({ calls: 9, callsPerPeer: 2 });
  const [greedy, modest] = [add(A)!, add(A)!];
  expect([1, 2, 3].map(() => connections.beginCall(greedy))).toEqual([true, true, false]);
  expect([1, 2].map(() => connections.beginCall(modest))).toEqual([true, false]);
});
