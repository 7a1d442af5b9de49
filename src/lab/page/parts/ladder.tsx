/** The messages of a dialogue as arrows between its parties. */
import type { Party } from "../../parties.js";
import type { TranscriptMessage } from "../../transcript/transcript.js";
import { Lock } from "./bytes-view.tsx";
import { Notation } from "./notation.tsx";
import { opens, type Reader } from "./reading.js";

/** The parties in the order of their lanes. */
export const LANES: readonly { readonly party: Party; readonly name: string }[] = [
  { party: "C", name: "alice’s client" },
  { party: "AS", name: "authentication server" },
  { party: "TGS", name: "ticket granting server" },
  { party: "V", name: "a service" },
];

interface LadderProps {
  readonly messages: readonly TranscriptMessage[];
  readonly reader: Reader;
  /** Where an arrow leads: the address of a message, by its place from 0. */
  readonly hrefOf: (place: number) => string;
  /** The place of the message that is looked at. */
  readonly current?: number;
  /** What happened to a message on its way, in a word each: `held`. */
  readonly marksOf?: (place: number) => readonly string[];
}

export function Ladder({ messages, reader, hrefOf, current, marksOf = () => [] }: LadderProps) {
  return (
    <div class="ladder">
      <div class="lanes">
        {LANES.map(({ party, name }) => (
          <div key={party} class={party === reader ? "lane reader" : "lane"}>
            <strong>{party}</strong>
            <span>{name}</span>
          </div>
        ))}
      </div>
      <ol class="arrows">
        {messages.map((message, place) => (
          <li key={place}>
            <Arrow
              message={message}
              reader={reader}
              href={hrefOf(place)}
              isCurrent={place === current}
              marks={marksOf(place)}
            />
          </li>
        ))}
      </ol>
    </div>
  );
}

interface ArrowProps {
  readonly message: TranscriptMessage;
  readonly reader: Reader;
  readonly href: string;
  readonly isCurrent: boolean;
  readonly marks: readonly string[];
}

function Arrow({ message, reader, href, isCurrent, marks }: ArrowProps) {
  const { number, from, to, rfc, sealed, refusal } = message;
  const [a, b] = [laneOf(from), laneOf(to)];
  const [left, right] = [Math.min(a, b), Math.max(a, b)];
  return (
    <a
      class={["arrow", a < b ? "rightward" : "leftward", refusal && "refused", ...marks].join(" ")}
      href={href}
      aria-current={isCurrent ? "step" : undefined}
      style={{ gridColumn: `${2 * left + 2} / ${2 * right + 2}` }}
    >
      <span class="arrow-name">
        <span class="unseen">Message </span>
        <b>{number}</b>
        <span class="unseen">{`, ${from} to ${to}:`}</span> {refusal?.reason ?? rfc}
        {marks.map((mark) => (
          <span key={mark} class={`mark ${mark}`}>
            <span class="unseen">, </span>
            {mark}
          </span>
        ))}
      </span>
      <span class="arrow-boxes">
        {sealed.map((part) => {
          const isOpen = opens(part, reader);
          return (
            <span key={part.field} class={`seal ${isOpen ? "open" : "closed"}`} data-key={part.key}>
              <span class="unseen">{isOpen ? "open " : "closed "}</span>
              <Lock open={isOpen} /> <Notation text={part.key} />
            </span>
          );
        })}
      </span>
      <span class="arrow-line" aria-hidden="true" />
    </a>
  );
}

function laneOf(party: Party): number {
  return LANES.findIndex((lane) => lane.party === party);
}
