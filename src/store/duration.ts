/**
 * Durations as a person writes them: `10h`, `7d`, `1d12h`, `90s`, `500ms`.
 */

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
const FORM = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/;

/** Milliseconds of a duration, undefined for text of another form. Units run from the largest down, none twice. */
export function parseDuration(text: string): number | undefined {
  const match = FORM.exec(text);
  if (match === null || text === "") return undefined;
  return Object.values(UNITS).reduce((sum, unit, i) => sum + Number(match[i + 1] ?? 0) * unit, 0);
}

/** The shortest text that `parseDuration` reads as these milliseconds, for example `1d12h`; `0s` for none. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.trunc(milliseconds);
  let text = "";
  for (const [name, unit] of Object.entries(UNITS)) {
    const amount = Math.floor(rest / unit);
    if (amount > 0) text += `${amount}${name}`;
    rest -= amount * unit;
  }
  return text === "" ? "0s" : text;
}
