/** Comparison of secrets. */
import { timingSafeEqual } from "node:crypto";

/** Whether `a` and `b` hold the same bytes; how long it takes depends on their lengths alone. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
