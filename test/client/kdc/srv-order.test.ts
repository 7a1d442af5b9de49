import { expect, test } from "vitest";
import { inSrvOrder, type SrvRecord } from "../../../src/client/kdc/srv-order.js";

const record = (name: string, priority: number, weight: number): SrvRecord => ({
  name,
  port: 8801,
  priority,
  weight,
});
const names = (records: readonly SrvRecord[]) => records.map(({ name }) => name).join("");

test("a lower priority comes first, whatever the weights", () => {
  const records = [record("c", 20, 9), record("a", 0, 0), record("b", 10, 65_535)];
  expect(names(inSrvOrder(records, () => 0.999))).toBe("abc");
  expect(names(inSrvOrder(records, () => 0))).toBe("abc");
});

// RFC 2782: a number from 0 to the sum of the weights, and the first record whose running sum is no less.
test.each([
  { drawn: 0, first: "z" },
  { drawn: 1, first: "a" },
  { drawn: 3, first: "a" },
  { drawn: 4, first: "b" },
  { drawn: 10, first: "b" },
])("of weights 0, 3 and 7 the number $drawn chooses $first", ({ drawn, first }) => {
  const records = [record("a", 1, 3), record("b", 1, 7), record("z", 1, 0)];
  const ordered = inSrvOrder(records, () => drawn / 11 + 0.001);
  expect(ordered[0]!.name).toBe(first);
  expect(ordered).toHaveLength(3);
});

test("records share their chances by weight, and each is asked once", () => {
  const records = [record("a", 1, 10), record("b", 1, 30), record("c", 1, 0)];
  let state = 1;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const first: Record<string, number> = { a: 0, b: 0, c: 0 };
  for (let i = 0; i < 1_000; i++) {
    const ordered = inSrvOrder(records, random);
    expect(new Set(ordered).size).toBe(3);
    first[ordered[0]!.name]!++;
  }
  expect(first.b! / first.a!).toBeGreaterThan(2.5);
  expect(first.b! / first.a!).toBeLessThan(3.5);
  expect(first.c).toBeGreaterThan(0);
});

test("of no records there is no order", () => {
  expect(inSrvOrder([])).toEqual([]);
});
