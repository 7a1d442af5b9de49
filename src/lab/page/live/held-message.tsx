/** One message: what may be done with it on its way, and what is in it. */
import type { LiveMessage, LiveState } from "../../live/live-state.js";
import { ChangeMessage } from "./change-message.tsx";
import type { Lab } from "./connection.js";

interface Props {
  readonly state: LiveState;
  readonly message: LiveMessage;
  readonly ask: Lab["ask"];
}

export function HeldMessage({ state, message, ask }: Props) {
  const { number, rfc, from, to, textbook, refusal } = message.message;
  return (
    <>
      <h2>
        ({number}) {rfc}: {from} → {to}
      </h2>
      <p class="textbook">{textbook}</p>
      {message.isHeld && (
        <div class="held-actions">
          <button type="button" class="primary" onClick={() => void ask("let-go")}>
            Let it go
          </button>
          <button type="button" onClick={() => void ask("lose")}>
            Lose it
          </button>
          {message.was !== undefined && (
            <button type="button" onClick={() => void ask("restore")}>
              Take the changes back
            </button>
          )}
        </div>
      )}
      {!message.isHeld && number % 2 === 1 && (
        <button
          type="button"
          disabled={state.running !== null}
          onClick={() => void ask("send-again", { call: message.call })}
        >
          Send these bytes again
        </button>
      )}
      {refusal !== undefined && (
        <p class="refusal">
          <code>{refusal.reason}</code> ({refusal.code}): {refusal.text}
        </p>
      )}
      {message.isHeld && <ChangeMessage message={message} ask={ask} />}
    </>
  );
}
