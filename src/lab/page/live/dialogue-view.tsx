/** The dialogue: what the client can do, what has travelled, and one message, looked at. */
import { useEffect, useState } from "preact/hooks";
import type { LiveMessage, LiveState } from "../../live/live-state.js";
import type { Lab } from "./connection.js";
import { HeldMessage } from "./held-message.tsx";
import { Ladder } from "./ladder.tsx";
import { Outcomes } from "./outcomes.tsx";
import { Steps } from "./steps.tsx";

interface Props {
  readonly state: LiveState;
  readonly messages: readonly LiveMessage[];
  readonly ask: Lab["ask"];
}

export function DialogueView({ state, messages, ask }: Props) {
  const [at, setAt] = useState<number>();
  // What comes last is looked at, unless one has gone back.
  const last = messages.length - 1;
  useEffect(() => setAt(undefined), [messages.length, state.scene]);
  const place = Math.min(at ?? last, last);
  const message = messages[place];
  return (
    <div class="dialogue">
      <div class="story">
        <Steps state={state} ask={ask} />
        <Ladder messages={messages} place={place} onPlace={setAt} />
        <Outcomes outcomes={state.outcomes} />
        <Export isEmpty={messages.length === 0} />
      </div>
      <section class="message" aria-label="The message">
        {message === undefined ? (
          <p class="nothing">Nothing has travelled yet. Log in: the first message is held on its way.</p>
        ) : (
          <HeldMessage state={state} message={message} ask={ask} />
        )}
      </section>
    </div>
  );
}

function Export({ isEmpty }: { readonly isEmpty: boolean }) {
  if (isEmpty) return null;
  return (
    <p class="export">
      Keep what travelled: <a href="/transcript.html">as a page</a> or <a href="/transcript.json">as JSON</a>
    </p>
  );
}
