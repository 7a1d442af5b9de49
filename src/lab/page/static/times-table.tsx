/** Every time of the dialogue, and what it is for. */
import type { ByteNode } from "../../bytes/byte-node.js";
import type { Transcript } from "../../transcript/transcript.js";
import { Notation, WithSymbols } from "../parts/notation.tsx";
import { Scrolling } from "../parts/scrolling.tsx";

/** The times by their symbols, with where each is found first. */
const TIMES: readonly { readonly symbol: string; readonly message: number; readonly purpose: string }[] = [
  {
    symbol: "TS1",
    message: 1,
    purpose:
      "Shows the AS that the proof is fresh: one that somebody recorded is too old after five minutes.",
  },
  { symbol: "TS2", message: 2, purpose: "When the first ticket begins." },
  {
    symbol: "TS2 + Lifetime2",
    message: 2,
    purpose:
      "When it ends. Nobody can take a ticket back, so it ends by itself: a stolen one is worth a day at " +
      "most.",
  },
  {
    symbol: "TS3",
    message: 3,
    purpose:
      "Makes the authenticator die young: the TGS need remember only the last minutes to know a replay.",
  },
  { symbol: "TS4", message: 4, purpose: "When the ticket for V begins." },
  {
    symbol: "TS4 + Lifetime4",
    message: 4,
    purpose: "When it ends: never later than the ticket it was got with.",
  },
  {
    symbol: "TS5",
    message: 5,
    purpose: "Does for V what TS3 does for the TGS. It comes back in message 6, and so proves that V is V.",
  },
];

export function TimesTable({ transcript }: { readonly transcript: Transcript }) {
  return (
    <Scrolling label="Table of times">
      <table>
        <thead>
          <tr>
            <th scope="col">time</th>
            <th scope="col">here</th>
            <th scope="col">what it is for</th>
          </tr>
        </thead>
        <tbody>
          {TIMES.map(({ symbol, message, purpose }) => (
            <tr key={symbol}>
              <th scope="row">
                <Notation text={symbol} />
              </th>
              <td class="time">{clockTime(timeIn(transcript, message, symbol))}</td>
              <td>
                <WithSymbols text={purpose} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolling>
  );
}

/** The value of the field with that symbol, in what is sealed in a message. */
function timeIn({ messages }: Transcript, message: number, symbol: string): string {
  const sealed = messages.filter(({ number }) => number === message).flatMap((each) => each.sealed);
  for (const { opened } of sealed) {
    const found = opened && withSymbol(opened.tree, symbol)?.value;
    if (found !== undefined) return found;
  }
  return "";
}

function withSymbol(node: ByteNode, symbol: string): ByteNode | undefined {
  if (node.symbol === symbol) return node;
  for (const child of node.children) {
    const found = withSymbol(child, symbol);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `09:00:05.040` of a time in ISO 8601. */
export function clockTime(iso: string): string {
  return iso.slice(11, 23);
}
