/** One round, from L and R to the next. */
import type { ComponentChildren } from "preact";
import type { BlockSteps, KeySteps } from "../../../des/steps.js";
import { E, P, PC2 } from "../../../des/tables.js";
import { Scrolling } from "../parts/scrolling.tsx";
import { Bits, hexOfBits, TableOfBits } from "./bits.tsx";
import { BoxTables } from "./box-tables.tsx";

interface RoundViewProps {
  /** From 1. */
  readonly number: number;
  readonly keySteps: KeySteps;
  readonly block: BlockSteps;
}

export function RoundView({ number, keySteps, block }: RoundViewProps) {
  const { shift, c, d, subkey } = keySteps.rounds[number - 1]!;
  const round = block.rounds[number - 1]!;
  const before = number === 1 ? { l: block.l0, r: block.r0 } : block.rounds[number - 2]!;
  return (
    <div class="round">
      <Step
        title={`Turn C and D left by ${shift}`}
        note={`what falls off at the left comes back at the right`}
      >
        <Line name={`C${number}`} bits={c} group={7} />
        <Line name={`D${number}`} bits={d} group={7} />
      </Step>
      <Step title="PC-2 chooses 48 of their 56 bits" note="the key of this round">
        <Line name={`K${number}`} bits={subkey} group={6} />
        <Fold summary="PC-2: which bit of C and D comes where">
          <TableOfBits caption={`K${number}`} table={PC2} bits={c + d} columns={6} />
        </Fold>
      </Step>
      <Step
        title="E expands R"
        note="32 bits become 48: the bits at the edges of each four go to both neighbours"
      >
        <Line name={`R${number - 1}`} bits={before.r} group={4} />
        <Line name="E(R)" bits={round.expanded} group={6} />
        <Fold summary="E: which bit of R comes where">
          <TableOfBits caption="E(R)" table={E} bits={before.r} columns={6} />
        </Fold>
      </Step>
      <Step title="The key is mixed in" note="XOR: one where the bits differ">
        <Line name="E(R) ⊕ K" bits={round.mixed} group={6} />
      </Step>
      <Step
        title="Eight S-boxes"
        note="of six bits the first and last choose a row of the table, the middle four a column; the entry there has four bits"
      >
        <Scrolling label="Table of what the S-boxes do">
          <table class="boxes">
            <thead>
              <tr>
                <th scope="col">box</th>
                <th scope="col">in</th>
                <th scope="col">row</th>
                <th scope="col">column</th>
                <th scope="col">out</th>
              </tr>
            </thead>
            <tbody>
              {round.boxes.map(({ input, row, column, output }, i) => (
                <tr key={i}>
                  <th scope="row">S{i + 1}</th>
                  <td>
                    <b>{input[0]}</b>
                    {input.slice(1, 5)}
                    <b>{input[5]}</b>
                  </td>
                  <td>{row}</td>
                  <td>{column}</td>
                  <td>{output}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolling>
        <Fold summary="The eight tables, and the entry that each gives here">
          <BoxTables boxes={round.boxes} />
        </Fold>
      </Step>
      <Step title="P moves the 32 bits" note="so that the next round spreads each box over several others">
        <Line name="f(R, K)" bits={round.f} group={4} />
        <Fold summary="P: which bit of the boxes comes where">
          <TableOfBits caption="f(R, K)" table={P} bits={round.substituted} columns={8} />
        </Fold>
      </Step>
      <Step title="XOR with L is the new R; the old R is the new L" note="">
        <Line name={`L${number - 1}`} bits={before.l} group={4} />
        <Line name={`L${number}`} bits={round.l} group={4} />
        <Line name={`R${number}`} bits={round.r} group={4} />
      </Step>
    </div>
  );
}

function Fold({ summary, children }: { readonly summary: string; readonly children: ComponentChildren }) {
  return (
    <details>
      <summary>{summary}</summary>
      {children}
    </details>
  );
}

interface StepProps {
  readonly title: string;
  readonly note: string;
  readonly children: ComponentChildren;
}

function Step({ title, note, children }: StepProps) {
  return (
    <div class="step">
      <h4>{title}</h4>
      {note !== "" && <p class="step-note">{note}</p>}
      {children}
    </div>
  );
}

function Line({
  name,
  bits,
  group,
}: {
  readonly name: string;
  readonly bits: string;
  readonly group: number;
}) {
  return (
    <p class="bit-line">
      <span class="bit-name">{name}</span> <Bits bits={bits} group={group} /> <code>{hexOfBits(bits)}</code>
    </p>
  );
}
