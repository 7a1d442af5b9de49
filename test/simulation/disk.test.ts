/** The disk that loses what was not synced: a store like any other until then. */
import { describe, expect, test } from "vitest";
import { StoreError } from "../../src/store/store-error.js";
import { Disk } from "./disk.mjs";
import { Random } from "./random.mjs";
import { Scheduler } from "./scheduler.mjs";

const bytes = (text: string) => Buffer.from(text);
const textOf = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();

/** A disk, and a way to let simulated time pass. */
function makeDisk(seed = 1) {
  const scheduler = new Scheduler(0);
  const disk = new Disk(scheduler, new Random(seed), StoreError);
  const pass = (ms: number) => {
    const end = scheduler.now + ms;
    scheduler.after(ms, () => {});
    return scheduler.run(() => scheduler.now >= end);
  };
  return { disk, pass };
}

describe("a disk", () => {
  test("keeps what it acknowledged when the power fails", async () => {
    const { disk, pass } = makeDisk();
    let acknowledged = false;
    const written = disk.open().update("key", () => bytes("value"));
    void written.then(() => {
      acknowledged = true;
    });
    await pass(100);
    expect(acknowledged).toBe(true);
    disk.losePower();
    expect(textOf(await disk.open().get("key"))).toBe("value");
  });

  test("loses some of what it did not and keeps some, but nothing that anybody heard of", async () => {
    let [lost, kept] = [0, 0];
    for (let seed = 1; seed <= 20; seed++) {
      const { disk, pass } = makeDisk(seed);
      disk.slowness = 20;
      const opened = disk.open();
      const heard = new Set<string>();
      for (const key of ["a", "b", "c"]) void opened.update(key, () => bytes(key)).then(() => heard.add(key));
      await pass(15);
      const seen = disk.keys();
      const acknowledged = [...heard];
      opened.abandon();
      disk.losePower();
      const left = disk.keys();
      expect(left).toEqual(expect.arrayContaining(acknowledged));
      lost += seen.length - left.length;
      kept += left.length - acknowledged.length;
      await pass(100);
      expect([...heard]).toEqual(acknowledged);
    }
    expect(lost).toBeGreaterThan(0);
    expect(kept).toBeGreaterThan(0);
  });

  test("shows a change to others before it is synced, in one atomic step", async () => {
    const { disk, pass } = makeDisk();
    const [one, other] = [disk.open(), disk.open()];
    const count = (current: Uint8Array | undefined) => bytes(`${textOf(current) ?? ""}x`);
    void Promise.all([one, other, one, other].map((opened) => opened.update("key", count)));
    await pass(100);
    expect(textOf(await one.get("key"))).toBe("xxxx");
  });

  test("lists keys in the order of their bytes, by prefix", async () => {
    const { disk, pass } = makeDisk();
    const opened = disk.open();
    for (const key of ["n/b", "n/a", "m/c"]) void opened.update(key, () => bytes(key));
    await pass(100);
    const found: string[] = [];
    for await (const [key] of opened.scan("n/")) found.push(key);
    expect(found).toEqual(["n/a", "n/b"]);
  });

  test("refuses with StoreError while it refuses, and once it is closed", async () => {
    const { disk } = makeDisk();
    const opened = disk.open();
    disk.refuses = true;
    await expect(opened.update("key", () => bytes("x"))).rejects.toMatchObject({ code: "unavailable" });
    await opened.close();
    await expect(opened.get("key")).rejects.toMatchObject({ code: "unavailable" });
  });
});

test("things happen in the order of their times, then of their making; cancelled ones do not", async () => {
  const scheduler = new Scheduler(1_000);
  const happened: string[] = [];
  for (const [name, ms] of Object.entries({ c: 5, a: 1, b: 1, d: 9 }))
    scheduler.after(ms, () => happened.push(`${name} ${scheduler.now}`));
  scheduler.after(3, () => happened.push("cancelled")).cancel();
  await scheduler.run(() => false);
  expect(happened).toEqual(["a 1001", "b 1001", "c 1005", "d 1009"]);
});

test("the same seed gives the same numbers; another, and another name, give others", () => {
  const draw = (seed: number, name: string) => {
    const random = new Random(seed, name);
    return [random.uint32(), random.between(1, 6), [...random.fill(new Uint8Array(7))]];
  };
  expect(draw(1, "a")).toEqual(draw(1, "a"));
  expect(draw(1, "a")).not.toEqual(draw(2, "a"));
  expect(draw(1, "a")).not.toEqual(draw(1, "b"));
});
