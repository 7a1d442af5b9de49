/**
 * A captured message, explained: what travels in clear, what is sealed, and which party can open it
 * (key-rings.ts).
 */
import { fromBinary } from "@bufbuild/protobuf";
import type { EncryptedData } from "../gen/kerberos/v1/encryption_pb.js";
import { type KdcReqBody, KdcReqBodySchema } from "../gen/kerberos/v1/kdc_pb.js";
import { etypeName } from "../protocol/etypes.js";
import { isoTime } from "../protocol/kerberos-time.js";
import type { CapturedCall } from "./capture.js";
import { DIALOGUE, FIELD_SYMBOLS, type MessageRow, type SealedRow } from "./dialogue.js";
import { type Disclosure, type Field, fieldsOf, hexOf } from "./fields.js";
import { dataOf, type KeyRings, openByParties } from "./key-rings.js";
import { schemaOf } from "./open-part.js";
import type { KeySymbol, Party } from "./parties.js";

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
  message: MessageRow,
  row: SealedRow,
  data: EncryptedData,
  rings: KeyRings,
  disclosure: Disclosure,
): ExplainedPart {
  const { opens, closed, inside } = openByParties(message, row, data, rings);
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
    closed,
    contents: inside && withSymbols(message.number, fieldsOf(schemaOf(row.part), inside.message, disclosure)),
  };
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
