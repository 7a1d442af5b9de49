/** A message: its bytes, what is said of those that are chosen, and its fields. */
import { useMemo, useState } from "preact/hooks";
import type { ByteKind } from "../../bytes/byte-node.js";
import type { TranscriptMessage } from "../../transcript/transcript.js";
import { BytesView } from "./bytes-view.tsx";
import { Explanation } from "./explanation.tsx";
import { FieldsView } from "./fields-view.tsx";
import { type Reader, readMessage } from "./reading.js";

interface MessageViewProps {
  readonly message: TranscriptMessage;
  /** Tells the messages of a page apart. */
  readonly id: string;
  /** What it is called, where its number is not enough: a dialogue may have several of one number. */
  readonly name?: string;
  readonly reader: Reader;
  readonly kinds: Readonly<Record<ByteKind, string>>;
}

export function MessageView({
  message,
  id,
  name = `message ${message.number}`,
  reader,
  kinds,
}: MessageViewProps) {
  const reading = useMemo(() => readMessage(message, reader), [message, reader]);
  // What was chosen is where it was only as long as the same boxes are open.
  const [choice, setChoice] = useState<{ readonly of: typeof reading; readonly leaf: number }>();
  const chosen = choice?.of === reading ? choice.leaf : undefined;
  return (
    <div class="message-view">
      <BytesView
        reading={reading}
        id={id}
        label={`The ${message.hex.length / 2} bytes of ${name}`}
        chosen={chosen}
        onChoose={(leaf) => setChoice({ of: reading, leaf })}
      />
      <Explanation
        of={name}
        leaf={chosen === undefined ? undefined : reading.leaves[chosen]}
        reader={reader}
        kinds={kinds}
      />
      <FieldsView message={message} reader={reader} />
    </div>
  );
}
