/** The S-boxes as the standard prints them, with the entries that a round reads. */
import type { BoxStep } from "../../../des/steps.js";
import { S } from "../../../des/tables.js";
import { Scrolling } from "../parts/scrolling.tsx";

export function BoxTables({ boxes }: { readonly boxes: readonly BoxStep[] }) {
  return (
    <Scrolling label="Tables of the S-boxes">
      <div class="box-tables">
        {S.map((entries, i) => (
          <BoxTable key={entries.join()} name={`S${i + 1}`} entries={entries} step={boxes[i]!} />
        ))}
      </div>
    </Scrolling>
  );
}

interface BoxTableProps {
  readonly name: string;
  /** Four rows of sixteen. */
  readonly entries: readonly number[];
  readonly step: BoxStep;
}

function BoxTable({ name, entries, step }: BoxTableProps) {
  const rows = [0, 1, 2, 3].map((row) => entries.slice(16 * row, 16 * (row + 1)));
  return (
    <table class="box-table">
      <caption>
        {name}: row {step.row}, column {step.column} is {Number.parseInt(step.output, 2)}
      </caption>
      <tbody>
        {rows.map((row, r) => (
          <tr key={row.join()}>
            {row.map((entry, c) => (
              <td key={entry} class={r === step.row && c === step.column ? "hit" : ""}>
                {entry}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
