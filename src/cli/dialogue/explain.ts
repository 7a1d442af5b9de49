/**
 * A captured message, explained: what stands there in clear, what is sealed, and which party can open it.
 *
 * Who can open a part is not asserted but tried, with the keys each party holds by then. A party learns the keys inside a
 * part that it opened in a message it sent or received.
 */
import { fromBinary, type Message } from "@bufbuild/protobuf";
import { type EncryptedData, EncryptedDataSchema } from "../../gen/kerberos/v1/encryption_pb.js";
import { type KdcReqBody, KdcReqBodySchema, type PaData } from "../../gen/kerberos/v1/kdc_pb.js";
import { SealedPartSchema, TicketSchema } from "../../gen/kerberos/v1/sealed_pb.js";
import { etypeOf, Key } from "../../protocol/keys.js";
import { KrbError } from "../../protocol/krb-error.js";
import { unseal } from "../../protocol/sealed-part.js";
import { etypeName } from "../screen/ticket-facts.js";
import { isoTime } from "../screen/times.js";
import type { CapturedCall } from "./capture.js";
import { type Field, type FieldStyle, fieldsOf } from "./fields.js";
import { DIALOGUE, type KeySymbol, type MessageRow, type Party, type SealedRow } from "./messages.js";

/** The keys each known party holds. Grows while messages are explained, in their order. */
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
  /** What is inside, where a known party could open it. */
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

/** Explains the request of a call and its response, where there is one. */
export function explainCall(call: CapturedCall, rings: KeyRings, style: FieldStyle): ExplainedMessage[] {
  const rows = DIALOGUE[call.path];
  if (rows === undefined) return [];
  const request = explain(rows.request, call.request, call.path, call.sentAt, rings, style);
  if (call.response === undefined) return [request];
  return [request, explain(rows.response, call.response, call.path, call.receivedAt, rings, style)];
}

/** The encryption type of the client's own key, from the last proof it made; undefined where it made none. */
export function provenEtype(calls: readonly CapturedCall[]): number | undefined {
  const last = calls.findLast(({ path }) => DIALOGUE[path]?.request.number === 1);
  const row = DIALOGUE[last?.path ?? ""]?.request;
  if (last === undefined || row === undefined) return undefined;
  return dataOf(fromBinary(row.schema, last.request), row.sealed[0]!)?.etype;
}

function explain(
  row: MessageRow,
  bytes: Uint8Array,
  rpc: string,
  at: number,
  rings: KeyRings,
  style: FieldStyle,
): ExplainedMessage {
  const message = fromBinary(row.schema, bytes);
  const sealedFields = row.sealed.map(({ field }) => field);
  const clear = fieldsOf(row.schema, message, style, [...sealedFields, "body"]);
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
      ...(body === undefined ? [] : bodyFields(body, style)),
    ]),
    sealed: row.sealed.flatMap((sealed) => {
      const data = dataOf(message, sealed);
      return data === undefined ? [] : [explainSealed(row, sealed, data, rings, style)];
    }),
    hex: Buffer.from(bytes).toString("hex"),
  };
}

function explainSealed(
  { from, to, number }: MessageRow,
  row: SealedRow,
  data: EncryptedData,
  rings: KeyRings,
  style: FieldStyle,
): ExplainedPart {
  const opens: Party[] = [];
  let contents: Field[] | undefined;
  for (const [party, ring] of rings) {
    const opened = openWith(ring, row, data);
    if (opened === undefined) continue;
    opens.push(party);
    if (party === from || party === to) learn(ring, row, opened);
    const schema = SealedPartSchema.fields.find(({ localName }) => localName === row.part)?.message;
    if (schema !== undefined) contents ??= withSymbols(number, fieldsOf(schema, opened, style));
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
  row: SealedRow,
  data: EncryptedData,
): Message | undefined {
  for (const key of ring.values()) {
    try {
      return unseal({ key, usage: row.usage }, row.part, data, closedPart);
    } catch (error) {
      if (!(error instanceof KrbError)) throw error;
    }
  }
  return undefined;
}

function closedPart(): KrbError {
  return new KrbError("KRB_AP_ERR_BAD_INTEGRITY", "does not open");
}

/** What a party knows once it has opened a part. */
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

function bodyFields(bytes: Uint8Array, style: FieldStyle): Field[] {
  const body: KdcReqBody = fromBinary(KdcReqBodySchema, bytes);
  return fieldsOf(KdcReqBodySchema, body, style, [], "body.");
}

/** An AS-REQ that names no service. */
const THE_TGS: Field = { name: "server", value: "(none named: the realm's TGS)" };

/** The textbook's symbols of fields, by the messages they stand in. */
const SYMBOLS: readonly (readonly [field: string, messages: readonly number[], symbol: string])[] = [
  ["client", [1, 2, 3, 4, 5, 6], "ID_c"],
  ["server", [1, 2, 3], "ID_tgs"],
  ["body.server", [3], "ID_v"],
  ["server", [4, 5], "ID_v"],
  ["key", [2, 3], "K_c,tgs"],
  ["key", [4, 5], "K_c,v"],
  ["patimestamp", [1], "TS1"],
  ["starttime", [2, 3], "TS2"],
  ["endtime", [2, 3], "TS2 + Lifetime2"],
  ["ctime", [3], "TS3"],
  ["starttime", [4, 5], "TS4"],
  ["endtime", [4, 5], "TS4 + Lifetime4"],
  ["ctime", [5, 6], "TS5"],
  ["subkey", [5], "Subkey_c"],
  ["subkey", [6], "Subkey_v"],
];

function withSymbols(number: number, fields: readonly Field[]): Field[] {
  return fields.map((field) => {
    const row = SYMBOLS.find(([name, messages]) => name === field.name && messages.includes(number));
    return row === undefined ? field : { ...field, symbol: row[2] };
  });
}

function camel(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
