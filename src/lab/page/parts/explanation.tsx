/** What is said of the run of bytes that is chosen. */
import type { ByteKind } from "../../bytes/byte-node.js";
import type { TranscriptPart } from "../../transcript/transcript.js";
import { spaced } from "./bytes-view.tsx";
import { Notation, WithSymbols } from "./notation.tsx";
import { explanationsOf, type Leaf, nameOfLeaf, opens, type Reader } from "./reading.js";

interface ExplanationProps {
  /** What the bytes are of. */
  readonly of: string;
  readonly leaf: Leaf | undefined;
  readonly reader: Reader;
  readonly kinds: Readonly<Record<ByteKind, string>>;
}

/** What is said before any byte is chosen: how to choose one, and what the looks of bytes mean. */
function Hint() {
  return (
    <>
      <p class="hint">Point at a byte, tap it, or go along the bytes with the arrow keys.</p>
      <ul class="looks">
        {LOOKS.map(({ kind, sample, text }) => (
          <li key={kind}>
            <span class={`run ${kind}`}>{sample}</span> {text}
          </li>
        ))}
      </ul>
    </>
  );
}

const LOOKS: readonly { readonly kind: ByteKind; readonly sample: string; readonly text: string }[] = [
  { kind: "tag", sample: "0a 12", text: "a field’s tag and length" },
  { kind: "value", sample: "61 6c 69", text: "what it holds" },
  { kind: "key", sample: "ba 92 ab", text: "a key" },
  { kind: "checksum", sample: "f1 b3 eb", text: "confounder and checksum" },
];

/** How many bytes are written out. */
const SHOWN = 16;

export function Explanation({ of, leaf, reader, kinds }: ExplanationProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: in a small window it scrolls
    <section class="explanation" aria-label={`What the bytes of ${of} are`} aria-live="polite" tabIndex={0}>
      {leaf === undefined ? <Hint /> : <LeafExplained leaf={leaf} reader={reader} kinds={kinds} />}
    </section>
  );
}

function LeafExplained({ leaf, reader, kinds }: Omit<ExplanationProps, "of"> & { readonly leaf: Leaf }) {
  const { node, hex, box } = leaf;
  const closed = box !== undefined && node.kind === "cipher" && !opens(box, reader);
  const symbol = symbolOf(leaf);
  return (
    <>
      <p class="where">{whereIs(leaf)}</p>
      <p class="what">
        <strong>{nameOfLeaf(leaf)}</strong>
        {symbol !== undefined && (
          <>
            {" "}
            <Notation text={symbol} />
          </>
        )}
        {node.value !== undefined && node.value !== hex && <span class="value">{node.value}</span>}
        <code>
          {spaced(hex.slice(0, 2 * SHOWN))}
          {hex.length > 2 * SHOWN && " …"}
        </code>
      </p>
      {closed && <ClosedBox part={box} reader={reader} />}
      <dl>
        {explanationsOf(leaf, kinds).map(({ of, text }) => (
          <div key={of + text} class="explanation-line">
            <dt>{of}</dt>
            <dd>
              <WithSymbols text={text} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function ClosedBox({ part, reader }: { readonly part: TranscriptPart; readonly reader: Reader }) {
  const { key, etype, usage, opensFor, equalBlocks } = part;
  return (
    <p>
      Sealed under <Notation text={key} /> ({etype}, key usage {usage}).{" "}
      {reader === "eavesdropper" ? "Whoever listens has no key" : `${reader} does not have that key`};{" "}
      {opensFor.length > 0 ? `${inWords(opensFor)} could open it.` : "nobody here could open it."}
      {equalBlocks.length > 0 &&
        " Blocks of one colour are equal: the same eight bytes stand in both places, and everybody sees it."}
    </p>
  );
}

/** The textbook's symbol for what a leaf holds: that of its field, or of the field that the key is in. */
function symbolOf({ node, path }: Leaf): string | undefined {
  if (node.kind === "tag" || node.kind === "length") return undefined;
  const fields = path.filter(({ kind }) => kind === "field");
  if (node.kind === "key") return fields.findLast((field) => field.symbol !== undefined)?.symbol;
  return fields.at(-1)?.symbol;
}

/** The names of the fields around a leaf, and its place. */
function whereIs({ path, at, node }: Leaf): string {
  const names = path.filter(({ kind }) => kind === "field").map(({ name }) => name);
  const place = node.length === 1 ? `byte ${at}` : `bytes ${at} to ${at + node.length - 1}`;
  return [...names, place].join(" › ");
}

function inWords(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
