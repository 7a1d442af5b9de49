/** Spans of time as people write them: `10h`, `7d`, `1d12h`, `300s`; a bare number is seconds, as with MIT's tools. */

const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
const SPAN = /^(?:\d+(?:ms|[dhms]))+$/;

/**
 * Reads a span of time.
 * @returns milliseconds, at most 2^53 - 1.
 * @throws RangeError saying what was expected.
 */
export function parseDuration(text: string): number {
  const spelled = /^\d+$/.test(text) ? `${text}s` : text;
  if (!SPAN.test(spelled))
    throw new RangeError(`duration: expected a form like 10h, 7d or 1d12h, got ${text}`);
  let total = 0;
  for (const [, count, unit] of spelled.matchAll(/(\d+)(ms|[dhms])/g))
    total += Number(count) * UNIT_MS[unit!]!;
  if (!Number.isSafeInteger(total)) throw new RangeError(`duration: too long: ${text}`);
  return total;
}

/** Writes a span of time in the largest units that are exact: 36 h become `1d12h`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  let rest = ms;
  let text = "";
  for (const [unit, size] of Object.entries(UNIT_MS)) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
