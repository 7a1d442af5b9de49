/** What came of the steps: who has what now, or which check refused and why. */
import type { LiveOutcome } from "../../live/live-state.js";

const VERDICTS: Readonly<Record<LiveOutcome["verdict"], string>> = {
  done: "Done",
  refused: "Refused",
  failed: "Failed",
};

export function Outcomes({ outcomes }: { readonly outcomes: readonly LiveOutcome[] }) {
  return (
    <section class="came-of-it" aria-labelledby="came-of-it">
      <h2 id="came-of-it" class="unseen">
        What came of it
      </h2>
      <div class="outcomes" aria-live="polite">
        {outcomes.map((outcome, i) => (
          <Outcome key={i} outcome={outcome} />
        ))}
      </div>
    </section>
  );
}

function Outcome({ outcome }: { readonly outcome: LiveOutcome }) {
  const { what, verdict, text, by, reason, code, meaning, compared = {} } = outcome;
  return (
    <article class={`outcome ${verdict}`}>
      <h3>
        <span class="verdict">{VERDICTS[verdict]}</span> {what}
      </h3>
      {reason !== undefined && (
        <p>
          by <strong>{by === "C" ? "the client" : by}</strong>: <code>{reason}</code>
          {code !== undefined && ` (${code})`}
        </p>
      )}
      <p>{text}</p>
      {meaning !== undefined && <p class="meaning">{meaning}</p>}
      {Object.keys(compared).length > 0 && (
        <dl>
          {Object.entries(compared).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </article>
  );
}
