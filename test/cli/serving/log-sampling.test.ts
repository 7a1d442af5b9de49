import { describe, expect, it } from "vitest";
import { LogSampling, SAMPLE_MS } from "../../../src/cli/serving/log-sampling.js";
import type { LogRecord } from "../../../src/services/exchange-log.js";

const NOON = Date.UTC(2026, 2, 1, 12);

/** A log that samples over one that is kept, and its clock to turn. */
function sampled() {
  const lines: LogRecord[] = [];
  const due: (() => void)[] = [];
  const log = new LogSampling(
    (record) => void lines.push(record),
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
  return { log, lines, pass, due };
}

const refusal = (more: Partial<LogRecord> = {}): LogRecord => ({
  exchange: "AS",
  level: "warn",
  result: "KDC_ERR_PREAUTH_FAILED",
  client: "alice@EXAMPLE.TEST",
  peer: "192.0.2.1:4711",
  ...more,
});

describe("refusals", () => {
  it("that are alike are one line, and one that counts the others when a second is over", () => {
    const { log, lines, pass } = sampled();
    for (let port = 1; port <= 4; port++) log.write(refusal({ peer: `192.0.2.1:${port}` }));
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
    log.write(refusal());
    expect(lines).toHaveLength(3);
  });

  it.each([
    ["client", { client: "bob@EXAMPLE.TEST" }],
    ["address", { peer: "192.0.2.2:4711" }],
    ["outcome", { result: "KDC_ERR_CLIENT_REVOKED" }],
    ["exchange", { exchange: "TGS" }],
  ])("of another %s have their own line", (_, other) => {
    const { log, lines } = sampled();
    log.write(refusal());
    log.write(refusal(other));
    expect(lines).toHaveLength(2);
  });

  it("are counted alone: other lines are each written", () => {
    const { log, lines } = sampled();
    for (let i = 0; i < 2; i++) log.write(refusal({ level: "info", result: "OK" }));
    for (let i = 0; i < 2; i++) log.write({ level: "warn", exchange: "realm", text: "full" });
    for (let i = 0; i < 2; i++) log.write(refusal({ level: "error", result: "INTERNAL" }));
    expect(lines).toHaveLength(6);
  });

  it("are counted at the end too, and nothing wakes afterwards", () => {
    const { log, lines, due } = sampled();
    log.write(refusal());
    log.write(refusal());
    log[Symbol.dispose]();
    expect(lines.map(({ repeated }) => repeated)).toEqual([undefined, 1]);
    expect(due).toEqual([]);
  });

  it("of more kinds than there is room for are written line by line", () => {
    const { log, lines } = sampled();
    for (let i = 0; i < 1_000; i++) log.write(refusal({ client: `user${i}@EXAMPLE.TEST` }));
    for (let i = 0; i < 2; i++) log.write(refusal({ client: "one-more@EXAMPLE.TEST" }));
    expect(lines).toHaveLength(1_002);
  });
});
