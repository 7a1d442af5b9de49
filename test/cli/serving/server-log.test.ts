/** What becomes of a record in the servers' log: its line, by its level. */
import { describe, expect, it } from "vitest";
import { ServerLog, type ServerLogChoice } from "../../../src/cli/serving/server-log.js";
import type { LogRecord } from "../../../src/services/exchange-log.js";

/** The lines that records come to. */
function linesOf(records: readonly LogRecord[], inJson = true, choice: Partial<ServerLogChoice> = {}) {
  const lines: string[] = [];
  const output = { write: (line: string) => void lines.push(line) };
  const { write } = new ServerLog(output, inJson, { logLevel: "info", ...choice });
  for (const record of records) write(record);
  for (const line of lines) expect(line).toMatch(/^.*\n$/);
  return lines.map((line) => line.trimEnd());
}

const REFUSAL: LogRecord = {
  time: "2026-03-01T12:00:00.250Z",
  exchange: "AS",
  id: undefined,
  peer: "192.0.2.1:4711",
  client: "alice@EXAMPLE.TEST",
  server: "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
  etypes: { ticket: 20 },
  weak: ["DES_CBC_MD5"],
  level: "warn",
  result: "KDC_ERR_PREAUTH_FAILED",
  code: 24,
  text: 'not "alice"',
  ms: 1.5,
};

describe("a record", () => {
  it("is one line of JSON that has its level first, and no other field than its own", () => {
    expect(linesOf([REFUSAL])).toEqual([
      '{"level":"warn","time":"2026-03-01T12:00:00.250Z","exchange":"AS","peer":"192.0.2.1:4711",' +
        '"client":"alice@EXAMPLE.TEST","server":"krbtgt/EXAMPLE.TEST@EXAMPLE.TEST","etypes":{"ticket":20},' +
        '"weak":["DES_CBC_MD5"],"result":"KDC_ERR_PREAUTH_FAILED","code":24,"text":"not \\"alice\\"","ms":1.5}',
    ]);
  });

  it("is one line of text for a person who is watching", () => {
    expect(linesOf([REFUSAL, { level: "error", exchange: "V", text: "a\nb" }], false)).toEqual([
      "12:00:00.250  AS  alice@EXAMPLE.TEST → krbtgt/EXAMPLE.TEST@EXAMPLE.TEST  KDC_ERR_PREAUTH_FAILED  " +
        '(not "alice")  1.5 ms  from 192.0.2.1:4711',
      "V  error  (a\\u000ab)",
    ]);
  });

  it("bears the number of its worker", () => {
    const [line] = linesOf([REFUSAL], true, { worker: 2 });
    expect(JSON.parse(line!)).toEqual({ ...REFUSAL, worker: 2 });
  });
});

it("goes by another level from then on", () => {
  const lines: string[] = [];
  const log = new ServerLog({ write: (line) => void lines.push(line) }, true, { logLevel: "error" });
  log.write({ level: "warn", n: 1 });
  log.level = "warn";
  log.write({ level: "warn", n: 2 });
  log.write({ level: "info", n: 3 });
  expect(lines).toEqual(['{"level":"warn","n":2}\n']);
});

it.each([
  ["info", ["info", "warn", "error"]],
  ["warn", ["warn", "error"]],
  ["error", ["error"]],
] as const)("from level %s on records are written", (logLevel, written) => {
  const records = (["info", "warn", "error"] as const).map((level) => ({ level }));
  expect(linesOf(records, true, { logLevel })).toEqual(written.map((level) => `{"level":"${level}"}`));
});
