/** Comparison of secrets. */
import { timingSafeEqual } from "node:crypto";

/** Up to this many bytes a loop costs a tenth of a call into `node:crypto`. */
const SHORT = 32;

/** Whether `a` and `b` hold the same bytes; how long it takes depends on their lengths alone. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  if (a.length > SHORT) return timingSafeEqual(a, b);
  // No step depends on what was found before.
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
