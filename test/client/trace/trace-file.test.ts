/** Where TESSERA_TRACE may lead, and where not. */
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TraceEvent } from "../../../src/client/trace/trace-event.js";
import { traceTo } from "../../../src/client/trace/trace-file.js";

const COMMON = {
  at: "2026-03-01T12:00:00.000Z",
  pid: 7,
  call: 1,
  path: "/shop.v1.ShopService/Order",
} as const;
const EVENTS: readonly TraceEvent[] = [
  { ...COMMON, event: "proof", from: "client", header: "kerberos-ap-req-bin", hex: "0a0b" },
  { ...COMMON, event: "sent", bytes: 5 },
  { ...COMMON, event: "received", bytes: 9 },
  { ...COMMON, event: "ended", outcome: "OK", code: 0, text: "", bytes: 9, ms: 1.25 },
  { ...COMMON, event: "ended", outcome: "KRB_AP_ERR_SKEW", code: 16, text: "clocks", bytes: 0, ms: 2 },
];

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "tessera-trace-"));
});
afterAll(() => rm(dir, { recursive: true }));

/** Writes all events; gives the troubles. */
function write(target: string): string[] {
  const troubles: string[] = [];
  const sink = traceTo(target, (text) => troubles.push(text));
  for (const event of EVENTS) sink?.(event);
  return troubles;
}

test("a file gets a line for each step, and belongs to its owner alone", () => {
  const path = join(dir, "text");
  expect(write(path)).toEqual([]);
  const head = "2026-03-01T12:00:00.000Z [7] /shop.v1.ShopService/Order";
  expect(readFileSync(path, "utf8")).toBe(
    `${head} -> kerberos-ap-req-bin, 2 bytes\n${head} -> 5 bytes\n${head} <- OK, 9 bytes, 1.3 ms\n` +
      `${head} <- KRB_AP_ERR_SKEW, 2.0 ms\n`,
  );
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("json: before it makes a line of JSON of each event, added to those that are there", () => {
  const path = join(dir, "json");
  write(`json:${path}`);
  write(`json:${path}`);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([...EVENTS, ...EVENTS]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test.each(["", "json:"])("%j asks for none", (target) => {
  expect(traceTo(target, () => {})).toBeUndefined();
  expect(traceTo(undefined, () => {})).toBeUndefined();
});

test("a file that others can read is not written, and said so once", () => {
  const path = join(dir, "open");
  writeFileSync(path, "");
  chmodSync(path, 0o644);
  expect(write(path)).toEqual([
    expect.stringMatching(/^the trace .*open can.t be written: open to others \(mode 0644\); run/),
  ]);
  expect(readFileSync(path, "utf8")).toBe("");
});

test("nothing is written through a link", () => {
  const path = join(dir, "link");
  symlinkSync(join(dir, "target"), path);
  expect(write(path)).toEqual([expect.stringContaining("ELOOP")]);
  expect(existsSync(join(dir, "target"))).toBe(false);
});
