import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LruMap } from "../../src/collections/lru-map.js";

/** A map that holds `a` to `d`, each with itself in capitals. */
function mapOf(limit = 4): LruMap<string, string> {
  const map = new LruMap<string, string>(limit);
  for (const key of "abcd") map.set(key, key.toUpperCase());
  return map;
}

const keysOf = (map: LruMap<string, string>) => [...map].map(([key]) => key).join("");

describe("a full map", () => {
  test("makes room by what was not used for longest", () => {
    const map = mapOf();
    map.set("e", "E");
    expect(keysOf(map)).toBe("bcde");
    expect(map.get("a")).toBeUndefined();
    expect(map.size).toBe(4);
  });

  test.each([
    ["a", "bcda", "cdae"],
    ["b", "acdb", "cdbe"],
    ["d", "abcd", "bcde"],
  ])("keeps %s once it was read", (key, before, after) => {
    const map = mapOf();
    expect(map.get(key)).toBe(key.toUpperCase());
    expect(keysOf(map)).toBe(before);
    map.set("e", "E");
    expect(keysOf(map)).toBe(after);
  });

  test("takes another value of a key in the place of the old one, as used last", () => {
    const map = mapOf();
    map.set("b", "X");
    expect([...map]).toEqual([
      ["a", "A"],
      ["c", "C"],
      ["d", "D"],
      ["b", "X"],
    ]);
  });
});

test("a key that is not there has no value, and is not used by being asked for", () => {
  const map = mapOf();
  expect(map.get("x")).toBeUndefined();
  expect(map.delete("x")).toBe(false);
  expect(keysOf(map)).toBe("abcd");
});

test.each([
  ["a", "bcd"],
  ["b", "acd"],
  ["d", "abc"],
])("%s is forgotten, and its room is free", (key, rest) => {
  const map = mapOf();
  expect(map.delete(key)).toBe(true);
  expect(map.get(key)).toBeUndefined();
  expect(keysOf(map)).toBe(rest);
  map.set("e", "E");
  expect(keysOf(map)).toBe(`${rest}e`);
});

test("nothing is left once it was cleared, and it fills again", () => {
  const map = mapOf();
  map.clear();
  expect(map.size).toBe(0);
  expect([...map]).toEqual([]);
  for (const key of "vwxyz") map.set(key, key);
  expect(keysOf(map)).toBe("wxyz");
});

test("what is at hand may be deleted while all are looked through", () => {
  const map = mapOf();
  for (const [key] of map) if (key !== "b") map.delete(key);
  expect(keysOf(map)).toBe("b");
});

describe("a map bounded by size", () => {
  const bySize = () => new LruMap<string, string>(10, (value) => value.length);

  test("drops as many as need be", () => {
    const map = bySize();
    map.set("a", "1234");
    map.set("b", "1234");
    map.set("c", "12");
    expect(keysOf(map)).toBe("abc");
    map.set("d", "12345");
    expect(keysOf(map)).toBe("cd");
  });

  test("counts a value anew where it is used, and makes room for it", () => {
    const sizes: Record<string, number> = { a: 1, b: 1, c: 1 };
    const map = new LruMap<string, string>(10, (value) => sizes[value]!);
    for (const key of "abc") map.set(key, key);
    sizes["b"] = 8;
    expect(keysOf(map)).toBe("abc");
    expect(map.get("b")).toBe("b");
    expect(keysOf(map)).toBe("acb");
    sizes["b"] = 9;
    expect(map.get("b")).toBe("b");
    expect(keysOf(map)).toBe("cb");
    sizes["b"] = 1;
    map.get("b");
    map.set("a", "a");
    expect(keysOf(map)).toBe("cba");
    sizes["c"] = 11;
    expect(map.get("c")).toBe("c");
    expect(map.size).toBe(0);
  });

  test("counts a value anew where it is replaced", () => {
    const map = bySize();
    map.set("a", "1234567");
    map.set("a", "123");
    map.set("b", "1234567");
    expect(keysOf(map)).toBe("ab");
    map.clear();
    map.set("c", "1234567890");
    expect(keysOf(map)).toBe("c");
  });

  test("keeps neither what alone is larger nor what that would have replaced, and drops nothing", () => {
    const map = bySize();
    map.set("a", "1");
    map.set("b", "2");
    map.set("a", "12345678901");
    expect(keysOf(map)).toBe("b");
  });
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("%d is no limit", (limit) => {
  expect(() => new LruMap(limit)).toThrow(
    new RangeError(`limit: expected a whole number from 1 up, got ${limit}`),
  );
});

test("it holds what a list in the order of use would", () => {
  const step = fc.tuple(fc.constantFrom("get", "set", "delete"), fc.constantFrom(..."abcdef"));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 40 }), (limit, steps) => {
      const map = new LruMap<string, string>(limit);
      let model: string[] = [];
      for (const [what, key] of steps) {
        const others = model.filter((other) => other !== key);
        if (what === "set") model = [...others, key].slice(-limit);
        else if (what === "delete") model = others;
        else if (model.includes(key)) model = [...others, key];
        if (what === "set") map.set(key, key);
        else map[what as "get" | "delete"](key);
        expect(keysOf(map)).toBe(model.join(""));
        expect(map.size).toBe(model.length);
      }
    }),
  );
});
