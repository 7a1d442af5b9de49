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
  /** From 0. */
  readonly place: number;
  readonly scene: Scene;
  readonly reader: Reader;
  readonly kinds: Readonly<Record<ByteKind, string>>;
}

export function MessageSection({ message, place, scene, reader, kinds }: MessageSectionProps) {
  const { number, from, to, rfc, at, hex, textbook, sealed } = message;
  const prose = PROSE[number - 1]!;
  const equal = sealed.filter(({ equalBlocks }) => equalBlocks.length > 0);
  const heading = `message-${place + 1}-title`;
  return (
    <section class="message" id={`message-${place + 1}`} aria-labelledby={heading}>
      <div class="message-head">
        <p class="route">
          <span class="number">{number}</span>
          <span class="from-to">
            {from} <span aria-hidden="true">→</span>
            <span class="unseen"> to </span> {to}
          </span>
          <span class="facts">
            {rfc} · {hex.length / 2} bytes · {clockTime(at)}
          </span>
        </p>
        <h2 id={heading}>{prose.title}</h2>
        <p class="formula">
          <Notation text={textbook} />
        </p>
        <div class="prose">{prose.text(scene)}</div>
        {equal.length > 0 && (
          <p class="aside">
            {equal.every((part) => opens(part, reader)) && "Choose nobody’s keys: "}
            Blocks of one colour are equal. In ECB equal text gives equal ciphertext, and no key is needed to
            see it.
          </p>
        )}
      </div>
      <MessageView message={message} id={`m${place + 1}`} reader={reader} kinds={kinds} />
    </section>
  );
}
