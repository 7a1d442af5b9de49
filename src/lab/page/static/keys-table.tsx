/** Who holds which key, and since which message. */
import type { Party } from "../../parties.js";
import type { TranscriptKey } from "../../transcript/transcript.js";
import { LANES } from "../parts/ladder.tsx";
import { Notation } from "../parts/notation.tsx";
import type { Reader } from "../parts/reading.js";
import { Scrolling } from "../parts/scrolling.tsx";

const ORIGINS: Readonly<Record<TranscriptKey["symbol"], string>> = {
  K_c: "made of alice’s password",
  K_tgs: "random, in the database",
  K_v: "random, in the database and V’s keytab",
  "K_c,tgs": "made by the AS for this login",
  "K_c,v": "made by the TGS for this ticket",
  Subkey_c: "made by alice’s client for this call",
  Subkey_v: "made by V for this call",
};

interface KeysTableProps {
  readonly keys: readonly TranscriptKey[];
  readonly reader: Reader;
}

export function KeysTable({ keys, reader }: KeysTableProps) {
  const since = ({ heldBy }: TranscriptKey, party: Party) =>
    heldBy.find((holder) => holder.party === party)?.since;
  return (
    <Scrolling label="Table of keys">
      <table>
        <thead>
          <tr>
            <th scope="col">key</th>
            {LANES.map(({ party }) => (
              <th key={party} scope="col" class={party === reader ? "reader" : ""}>
                {party}
              </th>
            ))}
            <th scope="col">where it comes from</th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.symbol + key.hex} data-key={key.symbol + key.hex}>
              <th scope="row" class="key-symbol">
                <Notation text={key.symbol} />
              </th>
              {LANES.map(({ party }) => (
                <td key={party} class={party === reader ? "reader" : ""}>
                  {inWords(since(key, party))}
                </td>
              ))}
              <td>{ORIGINS[key.symbol]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolling>
  );
}

function inWords(since: number | undefined): string {
  if (since === undefined) return "–";
  return since === 0 ? "has it" : `from (${since})`;
}
