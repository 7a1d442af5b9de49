/**
 * The bytes of a message. One list to a keyboard: Tab reaches it, arrows go from run to run; a pointer
 * points, a finger taps. Whoever shows it shows the run that is chosen (explanation.tsx).
 */
import { useRef } from "preact/hooks";
import { Notation } from "./notation.tsx";
import { type Box, type Leaf, nameOfLeaf, type Reading } from "./reading.js";

interface BytesViewProps {
  readonly reading: Reading;
  /** Begins the ids of its runs. */
  readonly id: string;
  readonly label: string;
  readonly chosen: number | undefined;
  readonly onChoose: (leaf: number) => void;
}

export function BytesView({ reading, id, label, chosen, onChoose }: BytesViewProps) {
  const list = useRef<HTMLDivElement>(null);
  const idOf = (leaf: number) => `${id}-${leaf}`;
  const onKeyDown = (event: KeyboardEvent) => {
    const next = nextLeaf(event.key, chosen ?? 0, reading.leaves.length);
    if (next === undefined) return;
    event.preventDefault();
    onChoose(next);
    list.current?.querySelector(`#${idOf(next)}`)?.scrollIntoView({ block: "nearest" });
  };
  const run = (leaf: Leaf) => (
    <Run
      key={leaf.index}
      leaf={leaf}
      id={idOf(leaf.index)}
      isChosen={leaf.index === chosen}
      onChoose={() => onChoose(leaf.index)}
    />
  );
  return (
    <div
      ref={list}
      class="bytes"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={chosen === undefined ? undefined : idOf(chosen)}
      onKeyDown={onKeyDown}
      onFocus={() => chosen === undefined && onChoose(0)}
    >
      {reading.items.map((item) =>
        "part" in item ? <BoxOfRuns key={item.part.field} box={item} run={run} /> : run(item),
      )}
    </div>
  );
}

/** Where a key leads from a leaf; nothing if it is no key of the list. */
export function nextLeaf(key: string, from: number, count: number): number | undefined {
  switch (key) {
    case "ArrowRight":
    case "ArrowDown":
      return Math.min(from + 1, count - 1);
    case "ArrowLeft":
    case "ArrowUp":
      return Math.max(from - 1, 0);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}

function BoxOfRuns({ box, run }: { readonly box: Box; readonly run: (leaf: Leaf) => preact.JSX.Element }) {
  const { part, open, leaves } = box;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of options in a list is no set of fields
    <span
      class={`box ${open ? "open" : "closed"}`}
      data-key={part.key}
      role="group"
      aria-label={`${part.symbol}: ${open ? "opened with" : "sealed under"} ${part.key}`}
    >
      <span class="box-name" aria-hidden="true">
        <Lock open={open} /> <Notation text={part.key} />
      </span>
      {leaves.map(run)}
    </span>
  );
}

interface RunProps {
  readonly leaf: Leaf;
  readonly id: string;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

/** Pointing chooses, as focus does: what is said of a run is elsewhere, and nothing is lost by moving on. */
function Run({ leaf, id, isChosen, onChoose }: RunProps) {
  const { node, hex, box } = leaf;
  return (
    <>
      {/* biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, and says which option is active */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the list hears the keys */}
      <span
        id={id}
        class={`run ${node.kind}`}
        role="option"
        aria-selected={isChosen}
        onPointerEnter={(event: PointerEvent) => event.pointerType === "mouse" && onChoose()}
        onClick={onChoose}
      >
        <span class="unseen">{spokenName(leaf)}</span>
        <span class="hex" aria-hidden="true">
          {node.kind === "cipher" && box !== undefined ? equalShown(hex, box.equalBlocks) : spaced(hex)}
        </span>
      </span>{" "}
    </>
  );
}

/** What a run is called by who hears the page. */
function spokenName(leaf: Leaf): string {
  const { length, value } = leaf.node;
  const size = length === 1 ? "1 byte" : `${length} bytes`;
  return `${nameOfLeaf(leaf)}${value === undefined || value === size ? "" : `: ${value}`}, ${size}`;
}

/** A ciphertext whose equal blocks look equal. */
function equalShown(hex: string, equal: readonly (readonly number[])[]) {
  if (equal.length === 0) return spaced(hex);
  const colourAt = new Map(equal.flatMap((places, colour) => places.map((at) => [at, colour] as const)));
  const blocks = hex.match(/.{1,16}/g) ?? [];
  return blocks.map((block, i) => {
    const colour = colourAt.get(8 * i);
    return (
      <>
        <span class={colour === undefined ? "" : `equal equal-${colour % 4}`}>{spaced(block)}</span>{" "}
      </>
    );
  });
}

/** Bytes with a space between, where lines may break. */
export function spaced(hex: string): string {
  return hex.replaceAll(/..(?!$)/g, "$& ");
}

/** A padlock. */
export function Lock({ open }: { readonly open: boolean }) {
  return (
    <svg class="lock" viewBox="0 0 12 14" width="10" height="12" aria-hidden="true" focusable="false">
      <rect x="1" y="6" width="10" height="7" rx="1.5" fill="currentColor" />
      <path
        d={open ? "M3 6V4a3 3 0 0 1 5.6-1.5" : "M3 6V4a3 3 0 0 1 6 0v2"}
        fill="none"
        stroke="currentColor"
        stroke-width="1.6"
      />
    </svg>
  );
}
