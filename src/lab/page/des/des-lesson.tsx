/** DES, a step at a time: one key schedule and one block, computed here by src/des/steps.ts. */
import { useMemo, useState } from "preact/hooks";
import { blockSteps, keySteps } from "../../../des/steps.js";
import { IP, PC1 } from "../../../des/tables.js";
import type { Transcript } from "../../transcript/transcript.js";
import { Choice } from "../parts/choice.tsx";
import { Notation } from "../parts/notation.tsx";
import { Scrolling } from "../parts/scrolling.tsx";
import { Bits, hexOfBits, TableOfBits } from "./bits.tsx";
import { type DesExample, PUBLISHED, recordedExample } from "./examples.js";
import { RoundView } from "./round-view.tsx";

export function DesLesson({ transcripts }: { readonly transcripts: readonly Transcript[] }) {
  const recorded = useMemo(() => recordedExample(transcripts), [transcripts]);
  const [which, setWhich] = useState<"published" | "recorded">("published");
  const [round, setRound] = useState(1);
  const example = which === "recorded" && recorded !== undefined ? recorded : PUBLISHED;
  const { key, block } = useMemo(() => stepsOf(example), [example]);
  return (
    <section class="lesson des" aria-labelledby="des">
      <h2 id="des">One block of DES</h2>
      <p>
        DES takes 8 bytes and a key, and gives 8 other bytes. Nothing in it is more than choosing bits, XOR,
        and eight small tables; it does them sixteen times. Every value below is computed in your browser, and
        the example is one whose values are published: you can do it on paper and compare.
      </p>
      {recorded !== undefined && (
        <Choice
          name="des-example"
          legend="Show"
          options={[
            { value: "published", label: "the published example" },
            { value: "recorded", label: "a block of message 1" },
          ]}
          value={which}
          onChoose={setWhich}
        />
      )}
      <p class="aside">{example.about}</p>

      <h3>The key schedule: sixteen keys out of one</h3>
      <p>
        The key has 64 bits, but every eighth only makes the number of ones in its byte odd. PC-1 drops those
        and puts the other 56 in a new order: <Notation text="C_0" /> and <Notation text="D_0" />. Each cell
        says which bit of the key comes there.
      </p>
      <BitLine name="K" bits={key.key} group={8} />
      <div class="bit-tables">
        <TableOfBits caption="C0" table={PC1.slice(0, 28)} bits={key.key} columns={7} />
        <TableOfBits caption="D0" table={PC1.slice(28)} bits={key.key} columns={7} />
      </div>
      <h3>The block, in a new order</h3>
      <p>
        IP, the initial permutation, moves the 64 bits of the block. The upper half is <Notation text="L_0" />
        , the lower <Notation text="R_0" />. It protects nothing; it suited the chips of 1977.
      </p>
      <BitLine name="the block" bits={block.input} group={8} />
      <div class="bit-tables">
        <TableOfBits caption="L0" table={IP.slice(0, 32)} bits={block.input} columns={8} />
        <TableOfBits caption="R0" table={IP.slice(32)} bits={block.input} columns={8} />
      </div>

      <h3>Sixteen rounds</h3>
      <p>
        Each round leaves R as the next L, and mixes R with a key of its own into L: that is the next R.
        Deciphering is the same with the keys in reverse.
      </p>
      <RoundChoice round={round} onChoose={setRound} />
      <RoundView number={round} keySteps={key} block={block} />

      <h3>All sixteen, and the end</h3>
      <Scrolling label="Table of rounds">
        <table class="rounds">
          <thead>
            <tr>
              <th scope="col">round</th>
              <th scope="col">key</th>
              <th scope="col">L</th>
              <th scope="col">R</th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">0</th>
              <td />
              <td>{hexOfBits(block.l0)}</td>
              <td>{hexOfBits(block.r0)}</td>
            </tr>
            {block.rounds.map(({ subkey, l, r }, i) => (
              <tr key={i} class={i + 1 === round ? "current" : ""}>
                <th scope="row">{i + 1}</th>
                <td>{hexOfBits(subkey)}</td>
                <td>{hexOfBits(l)}</td>
                <td>{hexOfBits(r)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
      <p>
        After the last round the halves change places, and the inverse of IP puts the bits back:{" "}
        <code class="result">{hexOfBits(block.output)}</code>. {example.conclusion}
      </p>
    </section>
  );
}

function RoundChoice({
  round,
  onChoose,
}: {
  readonly round: number;
  readonly onChoose: (round: number) => void;
}) {
  return (
    <div class="round-choice">
      <label for="round">Round {round}</label>
      <button type="button" onClick={() => onChoose(Math.max(1, round - 1))} aria-label="the round before">
        ←
      </button>
      <input
        id="round"
        type="range"
        min={1}
        max={16}
        value={round}
        onInput={(event) => onChoose(Number(event.currentTarget.value))}
      />
      <button type="button" onClick={() => onChoose(Math.min(16, round + 1))} aria-label="the round after">
        →
      </button>
    </div>
  );
}

function BitLine({
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

function stepsOf({ key, block }: DesExample) {
  const schedule = keySteps(key);
  return { key: schedule, block: blockSteps(block, schedule) };
}
