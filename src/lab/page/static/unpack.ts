/** The transcripts as the page was given them (lab/transcript/packed.ts), as they were. */
import type { ByteKind, ByteNode } from "../../bytes/byte-node.js";
import type { PackedNode, PackedPart, PackedTranscripts } from "../../transcript/packed.js";
import type { Transcript, TranscriptPart } from "../../transcript/transcript.js";

export function unpackTranscripts({ texts, transcripts }: PackedTranscripts): Transcript[] {
  const unpackNode = (packed: PackedNode, at: number): ByteNode => {
    const [length, kind, name, type, value, symbol, explanation, children] = packed;
    const optional = (key: string, place: number) => (place === 0 ? {} : { [key]: texts[place]! });
    let next = at;
    return {
      at,
      length,
      kind: texts[kind] as ByteKind,
      name: texts[name]!,
      ...optional("type", type),
      ...optional("value", value),
      ...optional("symbol", symbol),
      ...optional("explanation", explanation),
      children: children.map((child) => {
        const begin = next;
        next += child[0];
        return unpackNode(child, begin);
      }),
    };
  };
  const unpackPart = ({ opened, ...part }: PackedPart): TranscriptPart => ({
    ...part,
    ...(opened !== undefined && { opened: { ...opened, tree: unpackNode(opened.tree, 0) } }),
  });
  return transcripts.map((transcript) => ({
    ...transcript,
    messages: transcript.messages.map((message) => ({
      ...message,
      tree: unpackNode(message.tree, 0),
      sealed: message.sealed.map(unpackPart),
    })),
  }));
}
