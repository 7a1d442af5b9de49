/** What calls hold in memory: its bounds, and whose replies are thrown away for others. */
import { describe, expect, test } from "vitest";
import { Holding, Peer } from "../../../src/rpc/entrance/connection.js";
import { HeldBytes } from "../../../src/rpc/entrance/held-bytes.js";

function open(bytes: number, bytesPerPeer = bytes) {
  const held = new HeldBytes({ bytes, bytesPerPeer });
  const thrown: string[] = [];
  const call = (peer: Peer, name = "") => new Holding(peer, () => void thrown.push(name));
  return { held, thrown, call };
}

const peers = () => ["a", "b", "c"].map((key) => new Peer(key, true)) as [Peer, Peer, Peer];

describe("requests", () => {
  test("have a bound in all and one for each peer, and give their bytes back when they end", () => {
    const { held, call } = open(100, 60);
    const [a, b] = peers();
    const [one, two, three] = [call(a), call(a), call(b)];
    expect([held.holdRequest(one, 30), held.holdRequest(two, 31), held.holdRequest(two, 30)]).toEqual([
      true,
      false,
      true,
    ]);
    expect([held.holdRequest(three, 41), held.holdRequest(three, 40)]).toEqual([false, true]);
    expect([held.size, a.bytes, b.bytes]).toEqual([100, 60, 40]);
    held.end(one);
    held.end(one);
    expect([held.size, a.bytes]).toEqual([70, 30]);
    expect(held.holdRequest(three, 60)).toBe(true);
  });

  test("count what they hold now, not what they held before", () => {
    const { held, call } = open(100);
    const one = call(peers()[0]);
    for (let message = 0; message < 50; message++) expect(held.holdRequest(one, 80)).toBe(true);
    held.holdRequest(one, 10);
    expect(held.size).toBe(10);
  });

  test("of a peer without a share are bounded in all only", () => {
    const { held, call } = open(100, 10);
    expect(held.holdRequest(call(new Peer("#1", false)), 90)).toBe(true);
  });
});

describe("replies that wait", () => {
  test("of a peer that has its share make room for each other, the oldest first", () => {
    const { held, thrown, call } = open(200, 100);
    const [a, b] = peers();
    held.holdReply(call(b, "other"), 50);
    for (const name of ["first", "second"]) held.holdReply(call(a, name), 50);
    expect(held.holdReply(call(a, "third"), 60)).toBe(true);
    expect(thrown).toEqual(["first", "second"]);
    expect([a.bytes, b.bytes, held.size]).toEqual([60, 50, 110]);
  });

  test("of the peer that holds most make room for another's request", () => {
    const { held, thrown, call } = open(100);
    const [a, b, c] = peers();
    held.holdReply(call(b, "small"), 30);
    for (const name of ["first", "second"]) held.holdReply(call(a, name), 35);
    expect(held.holdRequest(call(c), 10)).toBe(true);
    expect(thrown).toEqual(["first"]);
  });

  test("that were read are not thrown away any more", () => {
    const { held, thrown, call } = open(100);
    const [a, b] = peers();
    const read = call(a, "read");
    held.holdReply(read, 90);
    held.holdReply(read, 0);
    expect([held.size, held.holdRequest(call(b), 100)]).toEqual([0, true]);
    expect(thrown).toEqual([]);
  });

  test("are not thrown away for more of themselves: the call has no room", () => {
    const { held, thrown, call } = open(100);
    const one = call(peers()[0], "one");
    held.holdReply(one, 90);
    expect([held.holdReply(one, 110), held.size, thrown]).toEqual([false, 90, []]);
  });
});
