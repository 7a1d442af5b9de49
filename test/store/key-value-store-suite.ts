/** What every key-value store promises, for one of them. */
import { describe, expect, it } from "vitest";
import type { KeyValueStore } from "../../src/store/key-value-store.js";

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
export const increment = (current: Uint8Array | undefined) => bytes(String(Number(text(current) ?? 0) + 1));
export const all = async (store: KeyValueStore, prefix: string) => {
  const found: [string, string | undefined][] = [];
  for await (const [key, value] of store.scan(prefix)) found.push([key, text(value)]);
  return found;
};

/** The suite. @param open opens a store of its own, with nothing in it. */
export function keyValueStoreSuite(name: string, open: () => Promise<KeyValueStore>) {
  describe(`${name}: a key-value store`, () => {
    it("returns what was written, and undefined for anything else", async () => {
      const store = await open();
      await store.update("a", () => bytes("one"));
      expect(text(await store.get("a"))).toBe("one");
      expect(await store.get("b")).toBeUndefined();
      await store.update("a", (current) => bytes(`${text(current)}+`));
      expect(text(await store.get("a"))).toBe("one+");
      await store.update("empty", () => new Uint8Array());
      expect(await store.get("empty")).toEqual(new Uint8Array());
      await store.close();
    });

    it("deletes when the change returns undefined, and the key can be written again", async () => {
      const store = await open();
      await store.update("a", () => bytes("one"));
      await store.update("a", () => undefined);
      expect(await store.get("a")).toBeUndefined();
      await store.update("a", (current) => (current === undefined ? bytes("again") : current));
      expect(text(await store.get("a"))).toBe("again");
      await store.update("never", () => undefined);
      await store.close();
    });

    it("loses none of 16 concurrent changes, to one key or to sixteen", async () => {
      const store = await open();
      await Promise.all(Array.from({ length: 16 }, () => store.update("one", increment)));
      expect(text(await store.get("one"))).toBe("16");
      await Promise.all(Array.from({ length: 16 }, (_, i) => store.update(`k${i}`, increment)));
      expect(await all(store, "k")).toHaveLength(16);
      await store.close();
    });

    it("writes nothing when the change throws, rejects with that error, and carries on", async () => {
      const store = await open();
      await store.update("a", () => bytes("one"));
      const refusal = new Error("no");
      const refused = store.update("a", () => {
        throw refusal;
      });
      const after = store.update("a", (current) => bytes(`${text(current)}!`));
      await expect(refused).rejects.toBe(refusal);
      await after;
      expect(text(await store.get("a"))).toBe("one!");
      await store.close();
    });

    it("scans a prefix in the order of the UTF-8 bytes", async () => {
      const store = await open();
      const keys = ["p/b", "p/a", "p/\u{1F511}", "p/\uFFFD", "p/é", "p/", "p", "q", "p/A"];
      for (const key of keys) await store.update(key, () => bytes(key));
      const expected = keys.filter((key) => key.startsWith("p/"));
      expected.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await all(store, "p/")).toEqual(expected.map((key) => [key, key]));
      expect(await all(store, "")).toHaveLength(keys.length);
      expect(await all(store, "none")).toEqual([]);
      await store.close();
    });

    it("counts what a scan would find", async () => {
      const store = await open();
      const count = (prefix: string) => store.scan(prefix).count();
      expect([await count(""), await count("p/")]).toEqual([0, 0]);
      const keys = ["p", "p/", "p/a", "p/\u{1F511}", "p/\u{10FFFF}", "p0", "q", "a", "é", "\u{10FFFF}"];
      for (const key of keys) await store.update(key, () => bytes(key));
      const prefixes = ["", "p", "p/", "p/a", "p/\u{10FFFF}", "é", "none", "\u{10FFFF}"];
      for (const prefix of prefixes) expect(await count(prefix)).toBe((await all(store, prefix)).length);
      await store.update("p/a", () => undefined);
      expect([await count(""), await count("p/")]).toEqual([9, 3]);
      await store.close();
      await expect(count("")).rejects.toMatchObject({ name: "StoreError", code: "unavailable" });
    });

    it("scans a thousand records while others change", async () => {
      const store = await open();
      const keys = Array.from({ length: 1000 }, (_, i) => `n${String(i).padStart(4, "0")}`);
      await Promise.all(keys.map((key) => store.update(key, () => bytes(key))));
      const seen: string[] = [];
      for await (const [key] of store.scan("n")) {
        seen.push(key);
        if (key === "n0500") await store.update("n0900", () => undefined);
      }
      expect(seen.slice(0, 900)).toEqual(keys.slice(0, 900));
      expect(seen.length).toBeGreaterThanOrEqual(999);
      await store.close();
    });

    it("returns bytes that stay the same when the record changes", async () => {
      const store = await open();
      await store.update("a", () => bytes("one"));
      const before = await store.get("a");
      await store.update("a", () => bytes("two"));
      await store.update("a", () => undefined);
      expect(text(before)).toBe("one");
      await store.close();
      expect(text(before)).toBe("one");
    });

    it("keeps its own copies of the bytes", async () => {
      const store = await open();
      const given = bytes("one");
      await store.update("a", () => given);
      given.fill(0);
      for await (const [, value] of store.scan("a")) value.fill(0);
      await store
        .update("a", (current) => {
          current?.fill(0);
          throw new Error("no");
        })
        .catch(() => {});
      expect(text(await store.get("a"))).toBe("one");
      await store.close();
    });

    it("refuses keys that are empty, over 512 bytes, or not well-formed", async () => {
      const store = await open();
      for (const key of ["", "é".repeat(257), "\uD800"]) {
        await expect(store.get(key)).rejects.toBeInstanceOf(RangeError);
        await expect(store.update(key, increment)).rejects.toBeInstanceOf(RangeError);
      }
      const longest = "é".repeat(256);
      await store.update(longest, increment);
      expect(text(await store.get(longest))).toBe("1");
      await store.close();
    });

    it("refuses all use after close, which waits for pending changes and may be called twice", async () => {
      const store = await open();
      const change = store.update("a", increment);
      await Promise.all([change, store.close(), store.close()]);
      await expect(store.get("a")).rejects.toMatchObject({ code: "unavailable" });
      await expect(store.update("a", increment)).rejects.toMatchObject({ code: "unavailable" });
      await expect(all(store, "")).rejects.toMatchObject({ code: "unavailable" });
    });
  });
}
