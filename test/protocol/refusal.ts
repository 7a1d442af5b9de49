/** What a refusal is compared with: the RFC's name first, so that a test never passes for another cause. */
import { expect } from "vitest";
import { KrbError, type KrbErrorName } from "../../src/protocol/krb-error.js";

/** The refusal that `run` ends in; fails the test when it returns, or throws anything but a KrbError. */
export function refusalOf(run: () => unknown): KrbError {
  try {
    run();
  } catch (error) {
    if (!(error instanceof KrbError)) throw error;
    // Every refusal says something, in words, to whoever reads it.
    expect(error.message).toMatch(/^\S+ .*\w["')]?$/);
    return error;
  }
  throw new Error("expected a refusal, but there was none");
}

/** Expects `run` to end in the refusal `code`, with at least these details. */
export function expectRefusal(
  run: () => unknown,
  code: KrbErrorName,
  details: Readonly<Record<string, string>> = {},
): KrbError {
  const refusal = refusalOf(run);
  expect({ reason: refusal.reason, details: refusal.details }).toMatchObject({ reason: code, details });
  return refusal;
}
