/** One message on a screen of its own. */
import type { ByteKind } from "../../bytes/byte-node.js";
import type { Scene } from "../../realm/scene-name.js";
import type { TranscriptMessage } from "../../transcript/transcript.js";
import { MessageView } from "../parts/message-view.tsx";
import { Notation } from "../parts/notation.tsx";
import { opens, type Reader } from "../parts/reading.js";
import { PROSE } from "./prose.tsx";
import { clockTime } from "./times-table.tsx";

interface MessageSectionProps {
  readonly message: TranscriptMessage;
  /** Whether one of its number stands above, with all that there is to say. */
  readonly isAgain: boolean;
  /** From 0. */
  readonly place: number;
  readonly scene: Scene;
  readonly reader: Reader;
  readonly kinds: Readonly<Record<ByteKind, string>>;
}

export function MessageSection({ message, isAgain, place, scene, reader, kinds }: MessageSectionProps) {
  const { number, from, to, rfc, at, hex, textbook, sealed, refusal } = message;
  const prose = PROSE[number - 1]!;
  const equal = sealed.filter(({ equalBlocks }) => equalBlocks.length > 0);
  const title = refusal === undefined ? prose.title : "A refusal";
  return (
    <section class="message" id={`message-${place + 1}`} aria-label={`Message ${place + 1}: ${title}`}>
      <div class="message-head">
        <p class="route">
          <span class="number">{number}</span>
          <span class="from-to">
            {from} <span aria-hidden="true">→</span>
            <span class="unseen"> to </span> {to}
          </span>
          <span class="facts">
            {refusal === undefined ? `${rfc} · ${hex.length / 2} bytes` : "refused"} · {clockTime(at)}
          </span>
        </p>
        <h2>{title}</h2>
        {refusal === undefined ? (
          <p class="formula">
            <Notation text={textbook} />
          </p>
        ) : (
          <p>
            <code>{refusal.reason}</code>, {refusal.code}: {refusal.text}.
          </p>
        )}
        {refusal === undefined && !isAgain && <div class="prose">{prose.text(scene)}</div>}
        {equal.length > 0 && (
          <p class="aside">
            {equal.every((part) => opens(part, reader)) && "Choose nobody’s keys: "}
            Blocks of one colour are equal. In ECB equal text gives equal ciphertext, and no key is needed to
            see it.
          </p>
        )}
      </div>
      {hex !== "" && (
        <MessageView
          message={message}
          id={`m${place + 1}`}
          name={`message ${place + 1}`}
          reader={reader}
          kinds={kinds}
        />
      )}
    </section>
  );
}
