/** The dialogue: what the client can do, what has travelled, and one message, looked at. */
import { useEffect, useState } from "preact/hooks";
import type { ByteKind } from "../../bytes/byte-node.js";
import type { LiveMessage, LiveState } from "../../live/live-state.js";
import { Choice } from "../parts/choice.tsx";
import { Ladder } from "../parts/ladder.tsx";
import { READERS } from "../parts/readers.js";
import type { Reader } from "../parts/reading.js";
import { KeysTable } from "../static/keys-table.tsx";
import type { Lab } from "./connection.js";
import { Outcomes } from "./outcomes.tsx";
import { ShownMessage } from "./shown-message.tsx";
import { Steps } from "./steps.tsx";

interface Props {
  readonly state: LiveState;
  readonly messages: readonly LiveMessage[];
  readonly kinds: Readonly<Record<ByteKind, string>>;
  readonly ask: Lab["ask"];
}

export function DialogueView({ state, messages, kinds, ask }: Props) {
  const [reader, setReader] = useState<Reader>("C");
  const [place, setPlace] = usePlace(messages.length);
  const message = messages[place];
  return (
    <div class="dialogue">
      <div class="story">
        <Steps state={state} ask={ask} />
        <Outcomes outcomes={state.outcomes} />
        {messages.length > 0 && (
          <section class="travelled" aria-labelledby="travelled">
            <h2 id="travelled">What travelled</h2>
            <div class="stepping">
              <button type="button" disabled={place <= 0} onClick={() => setPlace(place - 1)}>
                ← Back
              </button>
              <button
                type="button"
                disabled={place >= messages.length - 1}
                onClick={() => setPlace(place + 1)}
              >
                Forward →
              </button>
            </div>
            <Ladder
              messages={messages.map((one) => one.message)}
              reader={reader}
              hrefOf={hrefOf}
              current={place}
              marksOf={(at) => marksOf(messages[at]!)}
            />
            <details class="keys">
              <summary>Who holds which key</summary>
              <KeysTable keys={newest(state.keys)} reader={reader} />
            </details>
            <p class="export">
              Keep it: <a href="transcript.html">as a page</a>, <a href="transcript.json">as JSON</a>
            </p>
          </section>
        )}
      </div>
      <section class="looked-at" aria-labelledby="looked-at">
        <h2 id="looked-at" class="unseen">
          The message
        </h2>
        <Choice
          name="reader"
          legend="Whose keys are in your hand?"
          options={READERS}
          value={reader}
          onChoose={setReader}
        />
        {message === undefined ? (
          <p class="nothing">Nothing has travelled yet. Log in: the first message is held on its way.</p>
        ) : (
          <ShownMessage
            key={place}
            state={state}
            message={message}
            place={place}
            reader={reader}
            kinds={kinds}
            ask={ask}
          />
        )}
      </section>
    </div>
  );
}

/** Of the keys that bore one symbol after the other, the newest. */
function newest(keys: LiveState["keys"]): LiveState["keys"] {
  return keys.filter(({ symbol }, i) => keys.findLastIndex((key) => key.symbol === symbol) === i);
}

const hrefOf = (place: number) => `#message-${place + 1}`;

/**
 * The place of the message that is looked at, which the address names: an arrow of the ladder is a link.
 * What comes last is looked at when it comes.
 */
function usePlace(count: number): [number, (place: number) => void] {
  const [place, setPlace] = useState(count - 1);
  const go = (next: number) => {
    setPlace(next);
    history.replaceState(null, "", next < 0 ? "#" : hrefOf(next));
  };
  useEffect(() => go(count - 1), [count]);
  useEffect(() => {
    const onHash = () => {
      const named = Number(/^#message-(\d+)$/.exec(location.hash)?.[1] ?? 0) - 1;
      if (named >= 0) setPlace(named);
    };
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);
  return [Math.min(place, count - 1), go];
}

function marksOf({ isHeld, isLost, isAgain, was }: LiveMessage): string[] {
  return [
    ...(isHeld ? ["held"] : []),
    ...(was !== undefined ? ["changed"] : []),
    ...(isLost ? ["lost"] : []),
    ...(isAgain ? ["sent again"] : []),
  ];
}
