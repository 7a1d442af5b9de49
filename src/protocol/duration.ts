/**
 * Spans of time as people write them: `10h`, `7d`, `1d12h`, `90s`; a bare number is seconds, as with MIT's
 * tools.
 */

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const SPAN = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/;

/**
 * Reads a span of time. Units come in order from the largest down, none of them twice.
 * @returns milliseconds.
 * @throws RangeError saying what was expected.
 */
export function parseDuration(text: string): number {
  const found = SPAN.exec(/^\d+$/.test(text) ? `${text}s` : text);
  if (found === null || text === "")
    throw new RangeError(`duration: expected a form like 10h, 7d or 1d12h, got ${JSON.stringify(text)}`);
  return Object.values(UNITS).reduce((sum, unit, i) => sum + Number(found[i + 1] ?? 0) * unit, 0);
}

/**
 * Writes a span of time, given in milliseconds, in the largest units that are exact: 36 hours become `1d12h`.
 */
export function formatDuration(ms: number): string {
  let rest = Math.trunc(ms);
  let text = "";
  for (const [name, unit] of Object.entries(UNITS)) {
    const count = Math.floor(rest / unit);
    if (count > 0) text += `${count}${name}`;
    rest -= count * unit;
  }
  return text === "" ? "0s" : text;
}
