/**
 * Transcripts as a static page holds them: each text once, and trees as lists. Their JSON is a quarter as
 * long as that of the transcripts. The page unpacks them (page/static/unpack.ts).
 */
import type { ByteKind, ByteNode } from "../bytes/byte-node.js";
import type { OpenedPart, Transcript, TranscriptMessage, TranscriptPart } from "./transcript.js";

/** What a page is given. */
export interface PackedTranscripts {
  /** What a place in a tree names; the first stands for none. */
  readonly texts: readonly string[];
  /** What the bytes of each kind are. */
  readonly kinds: Readonly<Record<ByteKind, string>>;
  readonly transcripts: readonly PackedTranscript[];
}

/** A node: its length, places of texts, and its children. It begins where the one before it ends. */
export type PackedNode = readonly [
  length: number,
  kind: number,
  name: number,
  type: number,
  value: number,
  symbol: number,
  explanation: number,
  children: readonly PackedNode[],
];

/** A transcript with packed trees. */
export interface PackedTranscript extends Omit<Transcript, "messages"> {
  readonly messages: readonly PackedMessage[];
}

/** A message with packed trees. */
export interface PackedMessage extends Omit<TranscriptMessage, "tree" | "sealed"> {
  readonly tree: PackedNode;
  readonly sealed: readonly PackedPart[];
}

/** A part with a packed tree. */
export interface PackedPart extends Omit<TranscriptPart, "opened"> {
  readonly opened?: Omit<OpenedPart, "tree"> & { readonly tree: PackedNode };
}

/** Packs transcripts. @param kinds what the bytes of each kind are. */
export function packTranscripts(
  transcripts: readonly Transcript[],
  kinds: Readonly<Record<ByteKind, string>>,
): PackedTranscripts {
  const places = new Map([["", 0]]);
  const place = (text: string | undefined): number => {
    if (text === undefined) return 0;
    const known = places.get(text) ?? places.size;
    places.set(text, known);
    return known;
  };
  const packNode = ({
    length,
    kind,
    name,
    type,
    value,
    symbol,
    explanation,
    children,
  }: ByteNode): PackedNode => [
    length,
    place(kind),
    place(name),
    place(type),
    place(value),
    place(symbol),
    place(explanation),
    children.map(packNode),
  ];
  const packPart = ({ opened, ...part }: TranscriptPart): PackedPart => ({
    ...part,
    ...(opened !== undefined && { opened: { ...opened, tree: packNode(opened.tree) } }),
  });
  const packed = transcripts.map((transcript) => ({
    ...transcript,
    messages: transcript.messages.map((message) => ({
      ...message,
      tree: packNode(message.tree),
      sealed: message.sealed.map(packPart),
    })),
  }));
  return { texts: [...places.keys()], kinds, transcripts: packed };
}
