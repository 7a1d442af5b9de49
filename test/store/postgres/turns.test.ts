/** Turns at a bounded number of connections: in order, for as long as the others get on. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Turns } from "../../../src/store/postgres/turns.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("as many as there are begin at once, the others in their order as turns end", async () => {
  const turns = new Turns(2, 1_000);
  const begun: string[] = [];
  const begin = (name: string) => turns.begin().then(() => void begun.push(name));
  for (const name of ["a", "b", "c", "d"]) void begin(name);
  await vi.advanceTimersByTimeAsync(0);
  expect(begun).toEqual(["a", "b"]);
  turns.end();
  await vi.advanceTimersByTimeAsync(0);
  expect(begun).toEqual(["a", "b", "c"]);
  turns.end();
  await vi.advanceTimersByTimeAsync(0);
  turns.end();
  await begin("e");
  expect(begun).toEqual(["a", "b", "c", "d", "e"]);
});

test("who waits does so while turns end, and is refused when none has for so long", async () => {
  const turns = new Turns(1, 1_000);
  await turns.begin();
  const others = [turns.begin(), turns.begin(), turns.begin()];
  const refused = expect(others[2]).rejects.toMatchObject({ code: "BUSY" });
  await vi.advanceTimersByTimeAsync(900);
  turns.end();
  await others[0];
  await vi.advanceTimersByTimeAsync(900);
  turns.end();
  await others[1];
  await vi.advanceTimersByTimeAsync(1_001);
  await refused;
  // Its turn is not lost.
  turns.end();
  await turns.begin();
});
