/** The clock of servers and client. It stands still until it is turned, so that nothing ends while one reads. */
import type { LiveState } from "../../live/live-state.js";
import type { Lab } from "./connection.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TURNS: readonly (readonly [string, number])[] = [
  ["−1 hour", -HOUR],
  ["−6 minutes", -6 * MINUTE],
  ["+1 minute", MINUTE],
  ["+6 minutes", 6 * MINUTE],
  ["+1 hour", HOUR],
  ["+11 hours", 11 * HOUR],
];

export function ClockPanel({ state, ask }: { readonly state: LiveState; readonly ask: Lab["ask"] }) {
  return (
    <fieldset class="clock" disabled={state.isStarting}>
      <legend>Clock of servers and client; it stands still until you turn it</legend>
      <p class="time">
        <time dateTime={state.time}>{state.time.replace("T", " ").replace(/\.\d+Z$/, " UTC")}</time>
        {state.turnedMs !== 0 && <span class="turned">{turned(state.turnedMs)}</span>}
      </p>
      <div class="turns">
        {TURNS.map(([title, ms]) => (
          <button
            type="button"
            key={title}
            aria-label={`Turn the clock by ${title}`}
            onClick={() => void ask("turn", { ms })}
          >
            {title}
          </button>
        ))}
      </div>
    </fieldset>
  );
}

/** `turned by +5 h 6 min` */
function turned(ms: number): string {
  const minutes = Math.round(Math.abs(ms) / MINUTE);
  const parts = [
    [Math.floor(minutes / 60), "h"],
    [minutes % 60, "min"],
  ] as const;
  const text = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return `turned by ${ms < 0 ? "−" : "+"}${text.join(" ") || "0 min"}`;
}
