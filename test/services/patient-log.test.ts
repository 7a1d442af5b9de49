/**
 * A log that fails: the story is of a log callback whose exception took the call, or the process, with it.
 */
import type * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fromServiceError } from "../../src/rpc/status.js";
import type { LogRecord } from "../../src/services/exchange-log.js";
import { patientLog } from "../../src/services/patient-log.js";
import { NOW } from "../support/entries.js";
import { eventually } from "../support/eventually.js";
import { openWorld } from "./guard/world.js";

let warned: string[];
beforeEach(() => {
  warned = [];
  vi.spyOn(process, "emitWarning").mockImplementation((text) => void warned.push(String(text)));
});
afterEach(() => void vi.restoreAllMocks());

/** A log that takes nothing while `isFull`. */
function log() {
  const state = { isFull: true, lines: [] as LogRecord[] };
  const write = (record: LogRecord) => {
    if (state.isFull) throw new Error("disk full");
    state.lines.push(record);
  };
  return { state, patient: patientLog(write, () => NOW) };
}

test("a log that throws is warned of once, and says how many lines are missing afterwards", () => {
  const { state, patient } = log();
  for (let n = 0; n < 3; n++) patient({ level: "info", n });
  state.isFull = false;
  patient({ level: "info", n: 3 });
  patient({ level: "info", n: 4 });
  expect(warned).toEqual(["log failed: Error: disk full"]);
  expect(state.lines).toEqual([
    { level: "info", n: 3 },
    {
      time: "2026-03-01T12:00:00.000Z",
      level: "warn",
      exchange: "log",
      text: "3 lines are missing before this one: Error: disk full",
    },
    { level: "info", n: 4 },
  ]);
});

test("a log whose promises reject is warned of once", async () => {
  const patient = patientLog(vi.fn().mockRejectedValue(new Error("no connection")), () => NOW);
  for (let n = 0; n < 3; n++) patient({ level: "info", n });
  await eventually(() => expect(warned).toEqual(["log failed: Error: no connection"]));
});

test.each([
  [
    "throws",
    () => {
      throw new Error("disk full");
    },
  ],
  ["returns a promise that rejects", () => Promise.reject(new Error("disk full"))],
])("a log that %s ends no guarded call, and no refusal", async (_, log) => {
  await using world = await openWorld({ guard: { log, allow: { "*": ["alice@TEST.EXAMPLE"] } } });
  expect(await world.client().say("hello")).toBe("hello");
  const bob = await world.realm.login("bob", "other");
  const refused = await world
    .client({ as: bob })
    .say("hello")
    .catch((error: grpc.ServiceError) => fromServiceError(error));
  expect(refused).toMatchObject({ reason: "KDC_ERR_POLICY" });
  expect(warned).toEqual(["log failed: Error: disk full"]);
});
