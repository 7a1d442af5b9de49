import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { NoKdcError } from "../../../src/client/kdc/no-kdc-error.js";
import { firstAnswer } from "../../../src/client/kdc/tries.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { RpcError, type RpcErrorOptions } from "../../../src/rpc/rpc-error.js";
import type { CallOptions } from "../../../src/rpc/transport.js";

const KDCS = ["a:1", "b:1", "c:1"];
const rpc = (code: keyof typeof grpc.status, options?: RpcErrorOptions) =>
  new RpcError(grpc.status[code] as grpc.status, code, options);
const krb = (reason: "KDC_ERR_PREAUTH_FAILED" | "KDC_ERR_SVC_UNAVAILABLE") => new KrbError(reason, reason);

/** KDCs that answer when the test says so, and a timer that it turns. */
function scene(addresses: readonly string[] = KDCS, timeoutMs = 10_000) {
  const asked: string[] = [];
  const answered: string[] = [];
  const cancelled: string[] = [];
  const given: CallOptions[] = [];
  const waits: number[] = [];
  const pending = new Map<string, { resolve(value: string): void; reject(error: unknown): void }>();
  let wake: (() => void) | undefined;
  const outcome = firstAnswer(
    addresses,
    (address, options) => {
      asked.push(address);
      given.push(options);
      options.signal?.addEventListener("abort", () => cancelled.push(address));
      return new Promise<string>((resolve, reject) => pending.set(address, { resolve, reject }));
    },
    {
      deadline: 1_000_000,
      timeoutMs,
      timer: (ms, woken) => {
        waits.push(ms);
        wake = woken;
        return () => {
          if (wake === woken) wake = undefined;
        };
      },
      onAnswer: (address) => void answered.push(address),
    },
  );
  outcome.catch(() => {});
  const settle = async () => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  return {
    asked,
    answered,
    cancelled,
    given,
    waits,
    outcome,
    isWaiting: () => wake !== undefined,
    answer: async (address: string) => {
      pending.get(address)!.resolve(address);
      await settle();
    },
    fail: async (address: string, error: unknown) => {
      pending.get(address)!.reject(error);
      await settle();
    },
    wake: () => wake?.(),
  };
}

test("the first that answers is the only one that is asked", async () => {
  const { asked, answered, given, answer, outcome, isWaiting } = scene();
  await answer("a:1");
  expect(await outcome).toBe("a:1");
  expect([asked, answered]).toEqual([["a:1"], ["a:1"]]);
  expect(given[0]!.deadline).toBe(1_000_000);
  expect(isWaiting()).toBe(false);
});

test.each([
  ["that can't be reached", rpc("UNAVAILABLE")],
  ["whose database is away", krb("KDC_ERR_SVC_UNAVAILABLE")],
  ["that has too much to do", rpc("RESOURCE_EXHAUSTED", { retryAfterMs: 3_000 })],
  ["that is late by its own clock", rpc("DEADLINE_EXCEEDED")],
  ["that is shut down by force", rpc("CANCELLED")],
  ["that has a fault", rpc("INTERNAL")],
  ["that is no KDC", rpc("UNIMPLEMENTED")],
])("after one %s the next is asked at once", async (_, error) => {
  const { asked, answered, answer, fail, outcome } = scene();
  await fail("a:1", error);
  expect(asked).toEqual(["a:1", "b:1"]);
  await answer("b:1");
  expect(await outcome).toBe("b:1");
  expect(answered).toEqual(["b:1"]);
});

test.each([
  ["a refusal", krb("KDC_ERR_PREAUTH_FAILED"), ["a:1"]],
  ["that a message is too long", rpc("RESOURCE_EXHAUSTED"), []],
  ["what is no answer of a server", new TypeError("no message"), []],
])("%s is final, and the error is the KDC's own", async (_, error, answered) => {
  const all = scene();
  await all.fail("a:1", error);
  await expect(all.outcome).rejects.toBe(error);
  expect(all.asked).toEqual(["a:1"]);
  expect(all.answered).toEqual(answered);
  expect(all.isWaiting()).toBe(false);
});

test("what is thrown before anything is sent is final", async () => {
  const closed = rpc("CANCELLED");
  const asked: string[] = [];
  const outcome = firstAnswer(
    KDCS,
    (address) => {
      asked.push(address);
      throw closed;
    },
    { deadline: 1, timeoutMs: 1 },
  );
  await expect(outcome).rejects.toBe(closed);
  expect(asked).toEqual(["a:1"]);
});

describe("beside one that is slow", () => {
  test("the next is asked after a second, and the first may still answer", async () => {
    const { asked, waits, wake, answer, outcome, cancelled } = scene();
    expect([asked, waits]).toEqual([["a:1"], [1_000]]);
    wake();
    expect(asked).toEqual(["a:1", "b:1"]);
    await answer("a:1");
    expect(await outcome).toBe("a:1");
    expect(cancelled).toEqual(["a:1", "b:1"]);
  });

  test("the one that answers first counts, and what the other says later does not", async () => {
    const { wake, answer, answered, fail, outcome, isWaiting } = scene();
    wake();
    await answer("b:1");
    await fail("a:1", krb("KDC_ERR_PREAUTH_FAILED"));
    expect(await outcome).toBe("b:1");
    expect([answered, isWaiting()]).toEqual([["b:1"], false]);
  });

  test("a refusal of the other is final", async () => {
    const { asked, wake, fail, outcome } = scene();
    wake();
    await fail("b:1", krb("KDC_ERR_PREAUTH_FAILED"));
    await expect(outcome).rejects.toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
    expect(asked).toEqual(["a:1", "b:1"]);
  });

  test("one that fails makes room for the next, and the wait begins anew", async () => {
    const { asked, waits, wake, fail, answer, outcome } = scene();
    wake();
    await fail("b:1", rpc("UNAVAILABLE"));
    expect(asked).toEqual(KDCS);
    // After the last there is nothing to wait for.
    expect(waits).toEqual([1_000, 1_000]);
    await fail("c:1", rpc("UNAVAILABLE"));
    await answer("a:1");
    expect(await outcome).toBe("a:1");
  });

  test("each has its turn in a short time", () => {
    expect(scene(KDCS, 400).waits).toEqual([100]);
    expect(scene(["a:1"], 400).waits).toEqual([]);
  });
});

describe("where none answers", () => {
  test("the error names each KDC and how it failed", async () => {
    const { fail, outcome } = scene();
    await fail("a:1", rpc("UNAVAILABLE"));
    await fail("b:1", rpc("DEADLINE_EXCEEDED"));
    await fail("c:1", krb("KDC_ERR_SVC_UNAVAILABLE"));
    await expect(outcome).rejects.toBeInstanceOf(NoKdcError);
    await expect(outcome).rejects.toMatchObject({
      name: "RpcError",
      code: grpc.status.UNAVAILABLE,
      message:
        "none of the 3 KDCs answered: a:1: UNAVAILABLE (UNAVAILABLE); b:1: DEADLINE_EXCEEDED " +
        "(DEADLINE_EXCEEDED); c:1: KDC_ERR_SVC_UNAVAILABLE (KDC_ERR_SVC_UNAVAILABLE, 29)",
      hint: "look at each of these servers, and at their addresses (--kdc, TESSERA_KDC)",
      failures: KDCS.map((address) => ({ address })),
      facts: { reason: "UNAVAILABLE", kdcs: KDCS.map((address) => ({ address })) },
    });
  });

  test("for overload, it says when the first of them can be asked again", async () => {
    const { fail, outcome } = scene(["a:1", "b:1"]);
    await fail("a:1", rpc("RESOURCE_EXHAUSTED", { retryAfterMs: 3_000 }));
    await fail("b:1", rpc("RESOURCE_EXHAUSTED", { retryAfterMs: 2_000 }));
    await expect(outcome).rejects.toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
      retryAfterMs: 2_000,
    });
  });

  test("of one KDC alone the error is its own", async () => {
    const { fail, outcome } = scene(["a:1"]);
    const error = rpc("UNAVAILABLE");
    await fail("a:1", error);
    await expect(outcome).rejects.toBe(error);
  });
});
