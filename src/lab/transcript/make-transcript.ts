/** Makes a transcript of calls as they were captured. What can't be read is shown as it is. */
import { etypeName } from "../../protocol/etypes.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import { KrbError } from "../../protocol/krb-error.js";
import { annotate } from "../bytes/annotate.js";
import type { ByteNode } from "../bytes/byte-node.js";
import { equalBlocks } from "../bytes/equal-blocks.js";
import { sealsIn } from "../bytes/found.js";
import { hexOf } from "../bytes/readable.js";
import { annotateSealed } from "../bytes/sealed.js";
import type { CapturedCall } from "../capture.js";
import { DIALOGUE, type MessageRow, type SealedRow } from "../dialogue.js";
import { type KeyRings, openByParties } from "../key-rings.js";
import { KeysHeld } from "./keys-held.js";
import { withSymbols, withSymbolsInside } from "./textbook-symbols.js";
import type { OpenedPart, Transcript, TranscriptMessage, TranscriptPart } from "./transcript.js";

/** What a transcript is of. */
export type TranscriptAbout = Pick<Transcript, "title" | "scene" | "realm">;

/**
 * Makes a transcript. Calls of other services than the dialogue's give nothing, and one that has not been
 * answered yet its request alone.
 * @param rings what each party holds before the first call; what they learn is added.
 */
export function makeTranscript(
  calls: readonly CapturedCall[],
  rings: KeyRings,
  about: TranscriptAbout,
): Transcript {
  const held = new KeysHeld(rings);
  const messages: TranscriptMessage[] = [];
  const add = (message: TranscriptMessage) => {
    messages.push(message);
    held.note(rings, messages.length);
  };
  for (const call of calls) {
    const rows = DIALOGUE[call.path];
    if (rows === undefined) continue;
    add(messageOf(rows.request, call.path, call.sentAt, call.request, rings));
    if (call.response === undefined && call.refusal === undefined) continue;
    const answer = messageOf(rows.response, call.path, call.receivedAt, call.response ?? NOTHING, rings);
    add({ ...answer, ...refusalOf(call) });
  }
  return { version: 1, ...about, keys: held.all(), messages };
}

/** What travels of an answer that never came. */
const NOTHING = new Uint8Array();

function messageOf(
  row: MessageRow,
  path: string,
  at: number,
  bytes: Uint8Array,
  rings: KeyRings,
): TranscriptMessage {
  const { number, rfc, textbook, from, to, schema } = row;
  const tree = withSymbols(annotate(schema, bytes), row);
  return {
    number,
    rfc,
    textbook,
    from,
    to,
    call: path.slice(1),
    at: isoTime(at),
    hex: hexOf(bytes),
    tree,
    sealed: row.sealed.flatMap((sealed) => partOf(row, sealed, bytes, tree, rings)),
  };
}

function partOf(
  message: MessageRow,
  row: SealedRow,
  bytes: Uint8Array,
  tree: ByteNode,
  rings: KeyRings,
): TranscriptPart[] {
  const seal = sealsIn(tree, bytes).find(({ field }) => field === row.field);
  if (seal === undefined) return [];
  const { data, at } = seal;
  const { opens, inside } = openByParties(message, row, data, rings);
  const opened = inside && openedPart(annotateSealed(data, inside.key, row.usage), message.number);
  return [
    {
      field: row.field,
      at,
      length: data.cipher.length,
      symbol: row.symbol,
      notation: row.notation,
      key: row.key,
      etype: etypeName(data.etype),
      kvno: data.kvno,
      usage: row.usage,
      opensFor: opens,
      ...(opened !== undefined && { opened }),
      equalBlocks: equalBlocks(data.cipher),
    },
  ];
}

function openedPart(
  annotated: ReturnType<typeof annotateSealed>,
  number: MessageRow["number"],
): OpenedPart | undefined {
  return annotated && { hex: hexOf(annotated.plaintext), tree: withSymbolsInside(annotated.tree, number) };
}

function refusalOf({ refusal }: CapturedCall): Pick<TranscriptMessage, "refusal"> {
  if (refusal === undefined) return {};
  const reason = refusal instanceof KrbError ? refusal.reason : refusal.codeName;
  return { refusal: { reason, code: refusal.code, text: refusal.message } };
}
