/** Bits, written out. */
import type { Bits as BitText } from "../../../des/steps.js";

/** Bits in groups. */
export function Bits({ bits, group }: { readonly bits: BitText; readonly group: number }) {
  return <span class="bits">{bits.match(new RegExp(`.{1,${group}}`, "g"))?.join(" ")}</span>;
}

/** Bits as a number in base 16. */
export function hexOfBits(bits: BitText): string {
  return (bits.match(/.{1,4}/g) ?? []).map((four) => Number.parseInt(four, 2).toString(16)).join("");
}

interface TableOfBitsProps {
  readonly caption: string;
  /** Entry i names the bit that comes to place i. */
  readonly table: readonly number[];
  readonly bits: BitText;
  readonly columns: number;
}

/** A permutation as the standard prints it, with the bit that each cell brings. */
export function TableOfBits({ caption, table, bits, columns }: TableOfBitsProps) {
  const rows = Array.from({ length: table.length / columns }, (_, i) =>
    table.slice(columns * i, columns * (i + 1)),
  );
  return (
    <table class="bit-table">
      <caption>{caption}</caption>
      <tbody>
        {rows.map((row) => (
          <tr key={row.join()}>
            {row.map((place) => (
              <td key={place} class={`bit-${bits[place - 1]}`}>
                <small>{place}</small>
                {bits[place - 1]}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
