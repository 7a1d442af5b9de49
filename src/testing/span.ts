/** How far a test turns a clock, and which way. */
import { parseDuration } from "../protocol/duration.js";

/**
 * Reads a span: `"8h"`, `"301s"`, a number of milliseconds; backwards if negative, as in `"-1h"`.
 * @returns milliseconds.
 * @throws RangeError as `parseDuration`; for a number that is not finite.
 */
export function parseSpan(span: string | number): number {
  if (typeof span === "number") {
    if (Number.isFinite(span)) return span;
    throw new RangeError(`span: expected milliseconds, got ${span}`);
  }
  return span.startsWith("-") ? -parseDuration(span.slice(1)) : parseDuration(span);
}
