/** Points in time as a person types them. */
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/cli/frame/command.js";
import { localTime, parseExpiry, parseLifetime } from "../../../src/cli/screen/times.js";

const NOW = Date.UTC(2026, 2, 1, 12);
const expiry = (text: string) => parseExpiry(text, "--expire", NOW);

describe("a date", () => {
  it.each<[string, string]>([
    ["2027-01-31", "2027-01-31 00:00:00"],
    ["2027-01-31T12:00", "2027-01-31 12:00:00"],
    ["2027-01-31 12:00:59", "2027-01-31 12:00:59"],
    ["2028-02-29", "2028-02-29 00:00:00"],
  ])("without a zone is by the clock on the wall, with a time and without: %s", (text, shown) => {
    expect(localTime(expiry(text)!)).toBe(shown);
  });

  it.each<[string, number]>([
    ["2027-01-31T12:00Z", Date.UTC(2027, 0, 31, 12)],
    ["2027-01-31T12:00:30+02:00", Date.UTC(2027, 0, 31, 10, 0, 30)],
  ])("with a zone is by that: %s", (text, time) => {
    expect(expiry(text)).toBe(time);
  });

  // Date.parse takes 30 February for 2 March: an account outlived its date by days.
  it.each([
    "2027-02-30",
    "2027-02-29",
    "2027-13-01",
    "2027-00-10",
    "2027-04-31",
    "2027-01-00",
    "2027-01-31T24:00",
    "2027-01-31T12:60Z",
    "2027-01-31T12:00:60",
    "2027-01-31T12",
    "2027-01-31x",
    "2027-01-31T12:00+25:00",
  ])("that does not exist is wrong usage: %s", (text) => {
    expect(() => expiry(text)).toThrow(
      new UsageError(`--expire: expected a date such as 2027-01-31 or 2027-01-31T12:00Z, got ${text}`),
    );
  });

  it("may be never, now, or a lifetime from now on", () => {
    expect(expiry("never")).toBeUndefined();
    expect(expiry("now")).toBe(NOW);
    expect(expiry("+1d")).toBe(NOW + 86_400_000);
    expect(expiry("90")).toBe(NOW + 90_000);
  });
});

describe("a lifetime", () => {
  it.each<[string, number]>([
    ["10h", 36_000_000],
    ["1d12h", 129_600_000],
    ["10:00", 36_000_000],
    ["10:00:01", 36_001_000],
    ["300", 300_000],
  ])("%s", (text, ms) => {
    expect(parseLifetime(text, "-l")).toBe(ms);
  });

  it.each(["0", "-1h", "soon", "36601d"])("is never %s", (text) => {
    expect(() => parseLifetime(text, "-l")).toThrow(
      new UsageError(`-l: expected a time such as 10h, 7d, 1d12h or 10:00:00, got ${text}`),
    );
  });
});
