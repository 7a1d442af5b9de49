/**
 * A captured message, explained: what travels in clear, what is sealed, and which party can open it.
 *
 * Who can open a part is tried, not asserted, with the keys each party holds at that moment. A party learns
 * the keys inside every part that it opens in a message it sent or received.
 */
import { fromBinary, type Message } from "@bufbuild/protobuf";
import { type EncryptedData, EncryptedDataSchema } from "../gen/kerberos/v1/encryption_pb.js";
import { type KdcReqBody, KdcReqBodySchema, type PaData } from "../gen/kerberos/v1/kdc_pb.js";
import { TicketSchema } from "../gen/kerberos/v1/sealed_pb.js";
import { etypeName, etypeOf } from "../protocol/etypes.js";
import { isoTime } from "../protocol/kerberos-time.js";
import { Key } from "../protocol/keys.js";
import type { CapturedCall } from "./capture.js";
import { DIALOGUE, FIELD_SYMBOLS, type MessageRow, type SealedRow } from "./dialogue.js";
import { type Disclosure, type Field, fieldsOf, hexOf } from "./fields.js";
import { schemaOf, tryOpen } from "./open-part.js";
import type { KeySymbol, Party } from "./parties.js";

/** The keys that each known party holds; they grow as messages are explained, one after the other. */
export type KeyRings = Map<Party, Map<KeySymbol, Key>>;

/** Something sealed, explained. */
export interface ExplainedPart {
  readonly field: string;
  readonly symbol: string;
  readonly notation: string;
  readonly etype: string;
  /** Version of the long-term key; 0 for session keys. */
  readonly kvno: number;
  readonly usage: number;
  readonly bytes: number;
  readonly key: KeySymbol;
  /** The parties whose keys opened it. */
  readonly opens: readonly Party[];
  /** The parties whose keys did not. */
  readonly closed: readonly Party[];
  /** What is inside, if a known party could open it. */
  readonly contents: readonly Field[] | undefined;
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
  return dataOf(fromBinary(row.schema, last.request), row.sealed[0]!);
}

function explain(
  row: MessageRow,
  bytes: Uint8Array,
  rpc: string,
  at: number,
  rings: KeyRings,
  disclosure: Disclosure,
): ExplainedMessage {
  const message = fromBinary(row.schema, bytes);
  const sealedFields = row.sealed.map(({ field }) => field);
  const clear = fieldsOf(row.schema, message, disclosure, [...sealedFields, "body"]);
  const body = (message as unknown as { body?: Uint8Array }).body;
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
    clear: withSymbols(row.number, [
      ...clear,
      ...(row.number === 1 && !clear.some(({ name }) => name === "server") ? [THE_TGS] : []),
      ...(body === undefined ? [] : [bodyField(body, disclosure)]),
    ]),
    sealed: row.sealed.flatMap((sealed) => {
      const data = dataOf(message, sealed);
      return data === undefined ? [] : [explainSealed(row, sealed, data, rings, disclosure)];
    }),
    hex: hexOf(bytes),
  };
}

function explainSealed(
  { from, to, number }: MessageRow,
  row: SealedRow,
  data: EncryptedData,
  rings: KeyRings,
  disclosure: Disclosure,
): ExplainedPart {
  const opens: Party[] = [];
  let contents: Field[] | undefined;
  for (const [party, ring] of rings) {
    const opened = openWith(ring, row, data);
    if (opened === undefined) continue;
    opens.push(party);
    if (party === from || party === to) learn(ring, row, opened);
    contents ??= withSymbols(number, fieldsOf(schemaOf(row.part), opened, disclosure));
  }
  return {
    field: row.field,
    symbol: row.symbol,
    notation: row.notation,
    etype: etypeName(data.etype),
    kvno: data.kvno,
    usage: row.usage,
    bytes: data.cipher.length,
    key: row.key,
    opens,
    closed: [...rings.keys()].filter((party) => !opens.includes(party)),
    contents,
  };
}

/** Tries every key of a ring, as a party that guesses would. */
function openWith(
  ring: ReadonlyMap<KeySymbol, Key>,
  { part, usage }: SealedRow,
  data: EncryptedData,
): Message | undefined {
  for (const key of ring.values()) {
    const message = tryOpen(key, part, usage, data);
    if (message !== undefined) return message;
  }
  return undefined;
}

/** Adds the keys that a party finds in a part. */
function learn(ring: Map<KeySymbol, Key>, row: SealedRow, part: Message): void {
  const { key, subkey } = part as { key?: KeyMessage; subkey?: KeyMessage };
  const session: KeySymbol = row.symbol === "Ticket_v" || row.part === "encTgsRepPart" ? "K_c,v" : "K_c,tgs";
  if (key !== undefined) ring.set(session, keyOf(key));
  if (subkey !== undefined) ring.set(row.part === "encApRepPart" ? "Subkey_v" : "Subkey_c", keyOf(subkey));
}

interface KeyMessage {
  readonly etype: number;
  readonly key: Uint8Array;
}

function keyOf({ etype, key }: KeyMessage): Key {
  return new Key(etypeOf(etype), key);
}

/** The EncryptedData of a sealed field: the field itself, inside a ticket, or inside the first padata. */
function dataOf(message: Message, row: SealedRow): EncryptedData | undefined {
  const fields = message as unknown as Record<string, unknown>;
  const value = fields[row.field] ?? fields[camel(row.field)];
  if (row.field === "padata") {
    const first = (value as readonly PaData[])[0];
    return first === undefined ? undefined : fromBinary(EncryptedDataSchema, first.value);
  }
  if (!(value instanceof Uint8Array)) return undefined;
  if (row.field === "ticket") return fromBinary(TicketSchema, value).encPart;
  return fromBinary(EncryptedDataSchema, value);
}

function bodyField(bytes: Uint8Array, disclosure: Disclosure): Field {
  const body: KdcReqBody = fromBinary(KdcReqBodySchema, bytes);
  return { name: "body", value: { fields: fieldsOf(KdcReqBodySchema, body, disclosure) } };
}

/** Stands for the server of an AS-REQ that names none. */
const THE_TGS: Field = { name: "server", value: "(none named: the realm's TGS)" };

/** Adds the textbook's symbols to the fields of a message, and to those inside them. */
function withSymbols(number: number, fields: readonly Field[], prefix = ""): Field[] {
  return fields.map(({ name, value }) => {
    const path = prefix + name;
    const row = FIELD_SYMBOLS.find(([field, messages]) => field === path && messages.includes(number));
    const inside =
      typeof value === "object" && "fields" in value && !("holds" in value)
        ? { fields: withSymbols(number, value.fields, `${path}.`) }
        : value;
    return { name, ...(row !== undefined && { symbol: row[2] }), value: inside };
  });
}

function camel(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
