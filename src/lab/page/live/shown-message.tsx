/** One message: what may be done with it on its way, and what is in it. */
import type { ByteKind } from "../../bytes/byte-node.js";
import type { LiveMessage, LiveState } from "../../live/live-state.js";
import { MessageView } from "../parts/message-view.tsx";
import { Notation } from "../parts/notation.tsx";
import type { Reader } from "../parts/reading.js";
import { ChangeMessage } from "./change-message.tsx";
import type { Lab } from "./connection.js";

interface Props {
  readonly state: LiveState;
  readonly message: LiveMessage;
  readonly place: number;
  readonly reader: Reader;
  readonly kinds: Readonly<Record<ByteKind, string>>;
  readonly ask: Lab["ask"];
}

export function ShownMessage({ state, message: live, place, reader, kinds, ask }: Props) {
  const { message, isHeld, was, call } = live;
  const { number, rfc, from, to, textbook, refusal, hex, at } = message;
  return (
    <>
      <div class="message-title" id={`message-${place + 1}`}>
        <h3>
          <span class="number">{number}</span> {from} <span aria-hidden="true">→</span>
          <span class="unseen"> to </span> {to}
        </h3>
        <p class="facts">
          {refusal === undefined ? `${rfc} · ${hex.length / 2} bytes` : "refused"} · {timeOfDay(at)}
        </p>
        <p class="formula">
          <Notation text={textbook} />
        </p>
      </div>
      {isHeld && (
        <div class="actions">
          <button type="button" class="primary" onClick={() => void ask("let-go")}>
            Let it go
          </button>
          <button type="button" onClick={() => void ask("lose")}>
            Lose it
          </button>
          {was !== undefined && (
            <button type="button" onClick={() => void ask("restore")}>
              Take the changes back
            </button>
          )}
        </div>
      )}
      {!isHeld && number % 2 === 1 && (
        <div class="actions">
          <button
            type="button"
            disabled={state.running !== null}
            onClick={() => void ask("send-again", { call })}
          >
            Send these bytes again
          </button>
        </div>
      )}
      {was !== undefined && <Changes was={was} is={hex} />}
      {isHeld && <ChangeMessage message={message} ask={ask} />}
      {refusal !== undefined && (
        <p class="refusal">
          <code>{refusal.reason}</code>, {refusal.code}: {refusal.text}
        </p>
      )}
      {hex !== "" && <MessageView message={message} id={`m${place + 1}`} reader={reader} kinds={kinds} />}
    </>
  );
}

/** What was changed on the way: a byte, or how much. */
function Changes({ was, is }: { readonly was: string; readonly is: string }) {
  const bytes = is.match(/../g) ?? [];
  const before = was.match(/../g) ?? [];
  const changed = bytes.flatMap((byte, at) => (byte === before[at] ? [] : [at]));
  const [first] = changed;
  const text =
    was.length !== is.length
      ? `Changed on its way: it had ${before.length} bytes, and has ${bytes.length}.`
      : changed.length === 1
        ? `Changed on its way: byte ${first} was ${before[first!]}, and is ${bytes[first!]}.`
        : `Changed on its way: ${changed.length} bytes, from byte ${first} on.`;
  return <p class="changes">{text}</p>;
}

function timeOfDay(iso: string): string {
  return `${iso.slice(11, 19)} UTC`;
}
