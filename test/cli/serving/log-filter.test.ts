import { describe, expect, it } from "vitest";
import { LogFilter, type LogFilterChoice, SAMPLE_MS } from "../../../src/cli/serving/log-filter.js";
import type { LogRecord } from "../../../src/services/exchange-log.js";

const NOON = Date.UTC(2026, 2, 1, 12);

/** A filter over a log that is kept, and its clock to turn. */
function filtered(choice: Partial<LogFilterChoice> = {}) {
  const lines: LogRecord[] = [];
  const due: (() => void)[] = [];
  const filter = new LogFilter(
    (record) => void lines.push(record),
    { level: "info", sample: true, ...choice },
    (ms, wake) => {
      expect(ms).toBe(SAMPLE_MS);
      due.push(wake);
      return () => void due.splice(due.indexOf(wake), 1);
    },
    () => NOON,
  );
  const pass = () => {
    for (const wake of due.splice(0)) wake();
  };
  return { filter, lines, pass, due };
}

const refusal = (more: LogRecord = {}): LogRecord => ({
  exchange: "AS",
  level: "warn",
  result: "KDC_ERR_PREAUTH_FAILED",
  client: "alice@EXAMPLE.TEST",
  peer: "192.0.2.1:4711",
  ...more,
});

describe("levels", () => {
  const all: LogRecord[] = [{ level: "info" }, { level: "warn" }, { level: "error" }, { text: "none" }];
  it.each([
    ["info", ["info", "warn", "error", undefined]],
    ["warn", ["warn", "error", undefined]],
    ["error", ["error", undefined]],
  ] as const)("from %s on", (level, written) => {
    const { filter, lines } = filtered({ level });
    for (const record of all) filter.write(record);
    expect(lines.map((line) => line.level)).toEqual(written);
  });
});

describe("refusals", () => {
  it("that are alike are one line, and one that counts the others when a second is over", () => {
    const { filter, lines, pass } = filtered();
    for (let port = 1; port <= 4; port++) filter.write(refusal({ peer: `192.0.2.1:${port}` }));
    expect(lines).toHaveLength(1);
    pass();
    expect(lines.slice(1)).toEqual([
      {
        ...refusal({ peer: "192.0.2.1:1" }),
        time: "2026-03-01T12:00:00.000Z",
        repeated: 3,
        text: "3 more like the last within a second",
      },
    ]);
    pass();
    filter.write(refusal());
    expect(lines).toHaveLength(3);
  });

  it.each([
    ["client", { client: "bob@EXAMPLE.TEST" }],
    ["address", { peer: "192.0.2.2:4711" }],
    ["outcome", { result: "KDC_ERR_CLIENT_REVOKED" }],
    ["exchange", { exchange: "TGS" }],
  ])("of another %s have their own line", (_, other) => {
    const { filter, lines } = filtered();
    filter.write(refusal());
    filter.write(refusal(other));
    expect(lines).toHaveLength(2);
  });

  it("are each written where that is asked for, and other lines always are", () => {
    const { filter, lines } = filtered({ sample: false });
    filter.write(refusal());
    filter.write(refusal());
    expect(lines).toHaveLength(2);
    const sampling = filtered();
    for (let i = 0; i < 2; i++) sampling.filter.write({ ...refusal(), level: "info", result: "OK" });
    for (let i = 0; i < 2; i++) sampling.filter.write({ level: "warn", exchange: "realm", text: "full" });
    expect(sampling.lines).toHaveLength(4);
  });

  it("are counted at the end too, and nothing wakes afterwards", () => {
    const { filter, lines, due } = filtered();
    filter.write(refusal());
    filter.write(refusal());
    filter[Symbol.dispose]();
    expect(lines.map(({ repeated }) => repeated)).toEqual([undefined, 1]);
    expect(due).toEqual([]);
  });

  it("of more kinds than there is room for are written line by line", () => {
    const { filter, lines } = filtered();
    for (let i = 0; i < 1_000; i++) filter.write(refusal({ client: `user${i}@EXAMPLE.TEST` }));
    for (let i = 0; i < 2; i++) filter.write(refusal({ client: "one-more@EXAMPLE.TEST" }));
    expect(lines).toHaveLength(1_002);
  });
});
