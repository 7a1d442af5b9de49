/**
 * A captured message, explained: what travels in clear, what is sealed, and which party can open it
 * (key-rings.ts).
 */
import type { EncryptedData } from "../gen/kerberos/v1/encryption_pb.js";
import { etypeName } from "../protocol/etypes.js";
import { isoTime } from "../protocol/kerberos-time.js";
import { annotate } from "./bytes/annotate.js";
import type { ByteNode } from "./bytes/byte-node.js";
import { equalBlocks } from "./bytes/equal-blocks.js";
import { type FoundSeal, partIn, sealsIn } from "./bytes/found.js";
import { hexOf } from "./bytes/readable.js";
import { type AnnotatedPart, annotateSealed } from "./bytes/sealed.js";
import type { CapturedCall } from "./capture.js";
import { DIALOGUE, type MessageRow, type SealedRow } from "./dialogue.js";
import { type Disclosure, type Field, fieldsOf } from "./fields.js";
import { type KeyRings, openByParties } from "./key-rings.js";
import type { KeySymbol, Party } from "./parties.js";
import { withSymbols, withSymbolsInside } from "./transcript/textbook-symbols.js";

/** Something sealed, explained. */
export interface ExplainedPart {
  readonly field: string;
  readonly symbol: string;
  readonly notation: string;
  readonly etype: string;
  /** Version of the long-term key; 0 for session keys. */
  readonly kvno: number;
  readonly usage: number;
  /** Where the ciphertext is in the message: bytes from its start. */
  readonly at: number;
  /** Length of the ciphertext. */
  readonly bytes: number;
  /** Equal blocks of 8 bytes in the ciphertext, by their places in it. */
  readonly equalBlocks: readonly (readonly number[])[];
  readonly key: KeySymbol;
  /** The parties whose keys opened it. */
  readonly opens: readonly Party[];
  /** The parties whose keys did not. */
  readonly closed: readonly Party[];
  /** What is inside, if a known party could open it. */
  readonly contents: readonly Field[] | undefined;
  /** The same byte by byte, with the symbols. The plaintext holds keys. */
  readonly opened: AnnotatedPart | undefined;
}

/** A message, explained. */
export interface ExplainedMessage {
  readonly number: number;
  readonly from: Party;
  readonly to: Party;
  readonly textbook: string;
  readonly rfc: string;
  readonly message: string;
  readonly rpc: string;
  /** When it was sent (requests) or received (responses) by the client. */
  readonly at: string;
  readonly bytes: number;
  readonly clear: readonly Field[];
  readonly sealed: readonly ExplainedPart[];
  /** What travelled, in hex. */
  readonly hex: string;
  /** The same byte by byte, with the symbols. */
  readonly tree: ByteNode;
}

/** Explains the request of a call, and its response if there is one. Calls of other services give nothing. */
export function explainCall(call: CapturedCall, rings: KeyRings, disclosure: Disclosure): ExplainedMessage[] {
  const rows = DIALOGUE[call.path];
  if (rows === undefined) return [];
  const request = explain(rows.request, call.request, call.path, call.sentAt, rings, disclosure);
  if (call.response === undefined) return [request];
  return [request, explain(rows.response, call.response, call.path, call.receivedAt, rings, disclosure)];
}

/** The last proof that the client made with its own key; undefined if it made none. */
export function lastProof(calls: readonly CapturedCall[]): EncryptedData | undefined {
  const last = calls.findLast(({ path }) => DIALOGUE[path]?.request.number === 1);
  const row = DIALOGUE[last?.path ?? ""]?.request;
  if (last === undefined || row === undefined) return undefined;
  return sealsIn(annotate(row.schema, last.request), last.request)[0]?.data;
}

function explain(
  row: MessageRow,
  bytes: Uint8Array,
  rpc: string,
  at: number,
  rings: KeyRings,
  disclosure: Disclosure,
): ExplainedMessage {
  const tree = withSymbols(annotate(row.schema, bytes), row);
  const seals = sealsIn(tree, bytes);
  const clear = fieldsOf(
    tree,
    bytes,
    disclosure,
    row.sealed.map(({ field }) => field),
  );
  return {
    number: row.number,
    from: row.from,
    to: row.to,
    textbook: row.textbook,
    rfc: row.rfc,
    message: row.schema.name,
    rpc: rpc.slice("/kerberos.v1.".length),
    at: isoTime(at),
    bytes: bytes.length,
    clear: row.number === 1 && !clear.some(({ name }) => name === "server") ? [...clear, THE_TGS] : clear,
    sealed: row.sealed.flatMap((sealed) => {
      const seal = seals.find(({ field }) => field === sealed.field);
      return seal === undefined ? [] : [explainSealed(row, sealed, seal, rings, disclosure)];
    }),
    hex: hexOf(bytes),
    tree,
  };
}

function explainSealed(
  message: MessageRow,
  row: SealedRow,
  { data, at }: FoundSeal,
  rings: KeyRings,
  disclosure: Disclosure,
): ExplainedPart {
  const { opens, closed, inside } = openByParties(message, row, data, rings);
  const annotated = inside && annotateSealed(data, inside.key, row.usage);
  const opened = annotated && { ...annotated, tree: withSymbolsInside(annotated.tree, message.number) };
  const part = opened && partIn(opened.tree)?.part;
  return {
    field: row.field,
    symbol: row.symbol,
    notation: row.notation,
    etype: etypeName(data.etype),
    kvno: data.kvno,
    usage: row.usage,
    at,
    bytes: data.cipher.length,
    equalBlocks: equalBlocks(data.cipher),
    key: row.key,
    opens,
    closed,
    contents: part && opened && fieldsOf(part, opened.plaintext, disclosure),
    opened,
  };
}

/** Stands for the server of an AS-REQ that names none. */
const THE_TGS: Field = { name: "server", symbol: "ID_tgs", value: "(none named: the realm's TGS)" };
