import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../src/protocol/duration.js";

describe("durations", () => {
  it.each([
    ["10h", 36_000_000],
    ["7d", 604_800_000],
    ["1d12h", 129_600_000],
    ["5m", 300_000],
    ["90s", 90_000],
    ["500ms", 500],
    ["1m30s", 90_000],
    ["0s", 0],
    ["10", 10_000],
  ])("reads %s", (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  it.each(["", "h", "1h1d", "1h1h", "-1h", "1.5h", " 1h", "1H", "1e3s", "9999999999s"])(
    "refuses %j",
    (text) =>
      expect(() => parseDuration(text)).toThrow(
        new RangeError(`duration: expected a form like 10h, 7d or 1d12h, got ${JSON.stringify(text)}`),
      ),
  );

  it("reads back what it writes", () => {
    expect(formatDuration(0)).toBe("0s");
    expect(formatDuration(36_000_000)).toBe("10h");
    expect(formatDuration(129_600_001)).toBe("1d12h1ms");
    fc.assert(fc.property(fc.nat(2 ** 31), (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});
