/** The shell of an exchange by itself; what stands in the log is exchange-log.test.ts's. */
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";
import type { LogRecord } from "../../src/services/exchange-log.js";
import { runExchange } from "../../src/services/run-exchange.js";
import { StoreError } from "../../src/store/store-error.js";
import { NOW } from "../support/entries.js";

function shell() {
  const log: LogRecord[] = [];
  let readings = 0;
  return {
    log: (line: LogRecord) => void log.push(line),
    lines: log,
    /** An hour later at each reading. */
    clock: () => NOW + 3_600_000 * readings++,
    readings: () => readings,
  };
}

function context(id?: string) {
  const metadata = new grpc.Metadata();
  if (id !== undefined) metadata.set("x-correlation-id", id);
  const method = "/kerberos.v1.AuthenticationService/Authenticate";
  return {
    method,
    metadata,
    headers: new grpc.Metadata(),
    trailers: new grpc.Metadata(),
    peer: "127.0.0.1:1",
  };
}

test("the clock is read once: the exchange and its line have the same time", async () => {
  const config = shell();
  expect(await runExchange("AS", config, context(), async (_, now) => now)).toBe(NOW);
  expect(config.readings()).toBe(1);
  expect(config.lines).toEqual([
    {
      level: "info",
      time: "2026-03-01T12:00:00.000Z",
      exchange: "AS",
      peer: "127.0.0.1:1",
      result: "OK",
      ms: expect.any(Number),
    },
  ]);
});

test("what the exchange told before it was refused stands in its line", async () => {
  const config = shell();
  const refused = runExchange("TGS", config, context("7f3a"), async (line) => {
    line.client = "alice@TEST.EXAMPLE";
    line.etypes = { reply: 3, ticket: 20, session: -1 };
    throw new TypeError("a bug");
  });
  await expect(refused).rejects.toThrow(new TypeError("a bug"));
  expect(config.lines).toMatchObject([
    {
      level: "error",
      exchange: "TGS",
      id: "7f3a",
      client: "alice@TEST.EXAMPLE",
      weak: ["des-cbc-md5", "des-ecb"],
      result: "INTERNAL",
      text: "TypeError: a bug",
    },
  ]);
});

test("a store that is down is KDC_ERR_SVC_UNAVAILABLE, by the id of the line with the cause", async () => {
  const config = shell();
  const call = context();
  const refused = runExchange("V", config, call, async () => {
    throw new StoreError("full", "the disk is full: /secret/path");
  });
  const [id] = await refused.then(
    () => [],
    (error) => {
      expect(error).toMatchObject({ reason: "KDC_ERR_SVC_UNAVAILABLE", details: { id: expect.any(String) } });
      expect(error.message).not.toContain("secret");
      return [error.details.id];
    },
  );
  expect(id).toMatch(/^[0-9a-f]{16}$/);
  expect(call.trailers.get("x-correlation-id")).toEqual([id]);
  expect(config.lines).toMatchObject([
    {
      level: "error",
      id,
      result: "KDC_ERR_SVC_UNAVAILABLE",
      text: "the disk is full: /secret/path",
      cause: "full",
    },
  ]);
});

test("the caller's correlation id goes back with an answered call's headers, if there is one", async () => {
  const config = shell();
  const [chosen, none] = [context("A.b_c-9"), context()];
  for (const call of [chosen, none]) await runExchange("AS", config, call, async () => "answer");
  expect(chosen.headers.get("x-correlation-id")).toEqual(["A.b_c-9"]);
  expect(none.headers.getMap()).toEqual({});
  expect(config.lines.map(({ id }) => id)).toEqual(["A.b_c-9", undefined]);
});
