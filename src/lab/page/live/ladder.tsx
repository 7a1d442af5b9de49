/** Every message as an arrow between the parties, and steps forward and back through them. */
import type { LiveMessage } from "../../live/live-state.js";
import type { Party } from "../../parties.js";

const PARTIES: readonly Party[] = ["C", "AS", "TGS", "V"];

interface Props {
  readonly messages: readonly LiveMessage[];
  readonly place: number;
  readonly onPlace: (place: number) => void;
}

export function Ladder({ messages, place, onPlace }: Props) {
  return (
    <section class="ladder" aria-label="What travelled">
      <div class="lanes" aria-hidden="true">
        {PARTIES.map((party) => (
          <span key={party}>{party}</span>
        ))}
      </div>
      <ol>
        {messages.map((message, i) => (
          <li key={i}>
            <Arrow message={message} isShown={i === place} onShow={() => onPlace(i)} />
          </li>
        ))}
      </ol>
      <div class="stepping">
        <button type="button" disabled={place <= 0} onClick={() => onPlace(place - 1)}>
          ← Back
        </button>
        <button type="button" disabled={place >= messages.length - 1} onClick={() => onPlace(place + 1)}>
          Forward →
        </button>
      </div>
    </section>
  );
}

function Arrow({
  message,
  isShown,
  onShow,
}: {
  readonly message: LiveMessage;
  readonly isShown: boolean;
  readonly onShow: () => void;
}) {
  const { number, rfc, from, to, refusal } = message.message;
  const [a, b] = [PARTIES.indexOf(from), PARTIES.indexOf(to)];
  const marks = marksOf(message);
  const name = refusal?.reason ?? rfc;
  return (
    <button
      type="button"
      class={`arrow ${a < b ? "rightward" : "leftward"} ${marks.join(" ")}`}
      data-from={Math.min(a, b)}
      data-to={Math.max(a, b)}
      aria-current={isShown ? "step" : undefined}
      aria-label={`Message ${number}, ${name}, from ${from} to ${to}${marks.map((mark) => `, ${mark}`).join("")}`}
      onClick={onShow}
    >
      <span class="label">
        ({number}) {name}
        {marks.map((mark) => (
          <span class={`mark ${mark}`} key={mark}>
            {mark}
          </span>
        ))}
      </span>
      <span class="line" />
    </button>
  );
}

function marksOf({ isHeld, isLost, isAgain, was, message }: LiveMessage): string[] {
  return [
    ...(isHeld ? ["held"] : []),
    ...(was !== undefined ? ["changed"] : []),
    ...(isLost ? ["lost"] : []),
    ...(isAgain ? ["again"] : []),
    ...(message.refusal !== undefined ? ["refused"] : []),
  ];
}
