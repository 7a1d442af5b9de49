import { expect, test } from "vitest";
import { Chain, type Link } from "../../src/collections/chain.js";

test("members stand in the order in which they came, whoever leaves", () => {
  const chain = new Chain<string>();
  const links = ["a", "b", "c", "d"].map((name) => chain.add(name));
  expect([...chain]).toEqual(["a", "b", "c", "d"]);
  chain.remove(links[1]);
  expect([...chain]).toEqual(["a", "c", "d"]);
  chain.remove(links[0]);
  chain.remove(links[3]);
  expect([[...chain], chain.size, chain.first?.member]).toEqual([["c"], 1, "c"]);
  chain.add("e");
  expect([...chain]).toEqual(["c", "e"]);
});

test("one that is out goes out no second time, and a chain that was emptied begins anew", () => {
  const chain = new Chain<string>();
  const link = chain.add("a");
  chain.remove(link);
  chain.remove(link);
  chain.remove(undefined);
  expect([link.isIn, chain.size, chain.first]).toEqual([false, 0, undefined]);
  chain.add("a");
  expect([[...chain], chain.size]).toEqual([["a"], 1]);
});

test("the same member may stand there twice, by two links", () => {
  const chain = new Chain<string>();
  const [first, second] = [chain.add("a"), chain.add("a")];
  chain.remove(first);
  expect([second.isIn, chain.size, chain.first]).toEqual([true, 1, second]);
});

test("whoever leaves while all are gone through is passed over, and newcomers are left to the next time", () => {
  const chain = new Chain<string>();
  const links = new Map<string, Link<string>>();
  for (const name of ["a", "b", "c", "d"]) links.set(name, chain.add(name));
  const seen: string[] = [];
  for (const name of chain) {
    seen.push(name);
    if (name === "a") chain.add("e");
    if (name === "b") for (const leaving of ["b", "c"]) chain.remove(links.get(leaving));
  }
  expect(seen).toEqual(["a", "b", "d"]);
  expect([...chain]).toEqual(["a", "d", "e"]);
});

test("a link that is out refers to no other", () => {
  const chain = new Chain<string>();
  const links = ["a", "b", "c"].map((name) => chain.add(name));
  chain.remove(links[1]);
  const others = Object.values(links[1]!).filter((value) => typeof value === "object");
  expect(others).toEqual([]);
});
