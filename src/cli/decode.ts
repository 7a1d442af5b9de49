/**
 * What a blob is. Protobuf does not say, so every type is tried in its canonical form, and one that has required fields
 * missing or unknown numbers in it is no candidate. What is sealed is opened with whatever keys there are; the kind of the
 * part and the key usage are found by trying too, for the seal tells.
 */
import { type DescMessage, type Message, toJson } from "@bufbuild/protobuf";
import {
  AccessRequestSchema,
  AccessResponseSchema,
  ApReqSchema,
} from "../gen/kerberos/v1/application_service_pb.js";
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
} from "../gen/kerberos/v1/authentication_service_pb.js";
import { type EncryptedData, EncryptedDataSchema } from "../gen/kerberos/v1/encryption_pb.js";
import { type KdcReqBody, KdcReqBodySchema, type PaData } from "../gen/kerberos/v1/kdc_pb.js";
import { SealedPartSchema, type Ticket, TicketSchema } from "../gen/kerberos/v1/sealed_pb.js";
import {
  GrantTicketRequestSchema,
  GrantTicketResponseSchema,
} from "../gen/kerberos/v1/ticket_granting_service_pb.js";
import { KeyUsage } from "../protocol/key-usage.js";
import { defaultStringToKey, etypeOf, Key, keyFromPassword, type LongTermKey } from "../protocol/keys.js";
import { KrbError } from "../protocol/krb-error.js";
import { type PartKind, unseal } from "../protocol/sealed-part.js";
import { decodeCanonical, NotCanonicalError } from "../protocol/strict-decode.js";
import { CommandError, UsageError } from "./command.js";
import { type Field, type FieldStyle, fieldsOf } from "./dialogue/fields.js";
import { readKeytab } from "./keytab.js";
import { type PasswordChoice, readPassword } from "./password.js";
import { parsePrincipalArgument } from "./principal-argument.js";
import { defaultRealm } from "./realm.js";
import { columns, printJson, printLine } from "./screen/output.js";
import { etypeName } from "./screen/ticket-facts.js";
import { parseEtypes } from "./session.js";

/** What `tessera decode` was asked for. */
export interface DecodeChoice extends PasswordChoice {
  readonly type: string | undefined;
  readonly keytab: string | undefined;
  readonly key: string | undefined;
  readonly principal: string | undefined;
  readonly showKeys: boolean;
  readonly full: boolean;
  readonly json: boolean;
}

/** A type of blob, by the name it is asked for with. */
interface BlobType {
  readonly name: string;
  readonly title: string;
  readonly schema: DescMessage;
  /** Fields that must be there for a guess to count. */
  readonly required: readonly string[];
  /** Fields that hold something sealed: a Ticket, an EncryptedData, or its bytes. */
  readonly sealed: readonly string[];
}

const TYPES: readonly BlobType[] = [
  row("as-req", "AS-REQ, message (1)", AuthenticateRequestSchema, ["client", "nonce", "etypes"], ["padata"]),
  row("as-rep", "AS-REP, message (2)", AuthenticateResponseSchema, ["client", "ticket", "enc_part"]),
  row("tgs-req", "TGS-REQ, message (3)", GrantTicketRequestSchema, ["ticket", "authenticator", "body"]),
  row("tgs-rep", "TGS-REP, message (4)", GrantTicketResponseSchema, ["ticket", "enc_part"]),
  row("access-request", "AP-REQ with a sealed request, message (5)", AccessRequestSchema, [
    "ticket",
    "authenticator",
    "request",
  ]),
  row("access-response", "AP-REP with a sealed response, message (6)", AccessResponseSchema, [
    "ap_rep",
    "response",
  ]),
  row("ticket", "Ticket", TicketSchema, ["server", "enc_part"], ["enc_part"]),
  row("encrypted-data", "EncryptedData", EncryptedDataSchema, ["etype", "cipher"], [""]),
  row("ap-req", "AP-REQ", ApReqSchema, ["ticket", "authenticator"]),
  row("kdc-req-body", "KdcReqBody", KdcReqBodySchema, ["server", "nonce", "etypes"], []),
];

function row(
  name: string,
  title: string,
  schema: DescMessage,
  required: readonly string[],
  sealed: readonly string[] = required.filter((field) => field !== "client" && field !== "body"),
): BlobType {
  return { name, title, schema, required, sealed };
}

/** A key to try, and what to call it. */
interface NamedKey {
  readonly name: string;
  readonly key: Key;
  /** 0 where it has no version. */
  readonly kvno: number;
}

/** Something sealed in the blob. */
interface SealedView {
  readonly field: string;
  readonly etype: string;
  readonly kvno: number;
  readonly bytes: number;
  /** What opened it; undefined: nothing did. */
  readonly openedWith: string | undefined;
  readonly part: string | undefined;
  readonly contents: readonly Field[] | undefined;
  /** Why nothing opened it. */
  readonly closed: string | undefined;
}

/** Decodes a blob and prints what it is. Throws CommandError where it is nothing known. */
export async function decodeAndPrint(input: Uint8Array, choice: DecodeChoice): Promise<void> {
  const style = { showKeys: choice.showKeys, full: choice.full };
  const { type, message, bytes } = identify(input, choice.type);
  const keys = await keysOf(choice);
  const body = bodyOf(message);
  const clear = [
    ...fieldsOf(type.schema, message, style, [...type.sealed, "body"]),
    ...(body === undefined ? [] : fieldsOf(KdcReqBodySchema, body, style, [], "body.")),
  ];
  const sealed = type.sealed
    .flatMap((field) => sealedIn(type, field, message))
    .map(({ field, data }) => view(field, data, keys, style));
  if (choice.json) {
    printJson({
      type: type.name,
      message: type.schema.typeName,
      bytes: bytes.length,
      clear: record(clear),
      sealed: sealed.map((one) => ({ ...one, contents: one.contents && record(one.contents) })),
    });
    return;
  }
  printLine(`${type.title} (${type.schema.typeName}), ${bytes.length} bytes`);
  if (type.name !== "encrypted-data") for (const line of fieldLines(clear, "  ")) printLine(line);
  for (const part of sealed) {
    const kvno = part.kvno > 0 ? `, kvno ${part.kvno}` : "";
    printLine(
      `sealed${part.field === "" ? "" : ` ${part.field}`}: ${part.etype}${kvno}, ${part.bytes} bytes`,
    );
    if (part.contents === undefined) printLine(`  closed: ${part.closed}`);
    else {
      printLine(`  opened with ${part.openedWith}: ${part.part}`);
      for (const line of fieldLines(part.contents, "  ")) printLine(line);
    }
  }
}

function identify(input: Uint8Array, wanted: string | undefined) {
  const asked = wanted === undefined ? TYPES : TYPES.filter(({ name }) => name === wanted);
  if (asked.length === 0)
    throw new UsageError(`--type: expected one of ${TYPES.map(({ name }) => name).join(", ")}`);
  for (const bytes of readings(input))
    for (const type of asked) {
      const message = tryDecode(type, bytes);
      if (message !== undefined) return { type, message, bytes };
    }
  const what = wanted ?? `any of ${TYPES.map(({ name }) => name).join(", ")}`;
  throw new CommandError(
    `not ${what} in canonical form (as base64, hex or bytes)`,
    "is it whole? `tessera klist -T SERVICE` prints a ticket of the cache in base64",
  );
}

/** The ways to take the input: the text as base64 or hex, or the bytes themselves. */
function* readings(input: Uint8Array): Generator<Uint8Array> {
  const text = Buffer.from(input).toString("latin1").replaceAll(/\s+/g, "");
  const hex = text.replace(/^0x/, "");
  if (/^(?:[0-9a-fA-F]{2})+$/.test(hex)) yield Buffer.from(hex, "hex");
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) yield Buffer.from(text, "base64");
  yield input;
}

function tryDecode({ schema, required, sealed }: BlobType, bytes: Uint8Array): Message | undefined {
  let message: Message;
  try {
    message = decodeCanonical(schema, bytes);
  } catch (error) {
    if (error instanceof NotCanonicalError) return undefined;
    throw error;
  }
  const json = toJson(schema, message, { useProtoFieldName: true }) as Record<string, unknown>;
  if (required.some((field) => json[field] === undefined)) return undefined;
  try {
    for (const field of sealed) sealedOf(schema, field, message);
    return bodyOf(message)?.server === "" ? undefined : message;
  } catch (error) {
    if (error instanceof NotCanonicalError) return undefined;
    throw error;
  }
}

/** The body of a TGS-REQ; undefined for other messages. Throws NotCanonicalError where it is none. */
function bodyOf(message: Message): KdcReqBody | undefined {
  const { body } = message as { body?: Uint8Array };
  return body === undefined ? undefined : decodeCanonical(KdcReqBodySchema, body);
}

function sealedIn({ schema }: BlobType, field: string, message: Message) {
  return sealedOf(schema, field, message).map((data) => ({ field, data }));
}

/** What is sealed in a field. Throws NotCanonicalError where the field holds something else. */
function sealedOf(schema: DescMessage, name: string, message: Message): EncryptedData[] {
  if (name === "") return [message as EncryptedData];
  const field = schema.fields.find((candidate) => candidate.name === name);
  const value = field && (message as unknown as Record<string, unknown>)[field.localName];
  if (name === "padata")
    return (value as readonly PaData[]).map((padata) => decodeCanonical(EncryptedDataSchema, padata.value));
  if (!(value instanceof Uint8Array)) return [value as EncryptedData];
  if (name !== "ticket") return [decodeCanonical(EncryptedDataSchema, value)];
  const { encPart }: Ticket = decodeCanonical(TicketSchema, value);
  return encPart === undefined ? [] : [encPart];
}

/** The kinds of sealed parts and the usages they may stand under. */
const PARTS: readonly (readonly [PartKind, number])[] = [
  ["encTicketPart", KeyUsage.TICKET],
  ["encAsRepPart", KeyUsage.AS_REP],
  ["encTgsRepPart", KeyUsage.TGS_REP_SESSION_KEY],
  ["encTgsRepPart", KeyUsage.TGS_REP_SUBKEY],
  ["authenticator", KeyUsage.TGS_REQ_AUTHENTICATOR],
  ["authenticator", KeyUsage.AP_REQ_AUTHENTICATOR],
  ["encApRepPart", KeyUsage.AP_REP],
  ["encRequestPart", KeyUsage.REQUEST_DATA],
  ["encResponsePart", KeyUsage.RESPONSE_DATA],
  ["encTimestamp", KeyUsage.PA_ENC_TIMESTAMP],
];

function view(field: string, data: EncryptedData, keys: readonly NamedKey[], style: FieldStyle): SealedView {
  const facts = { field, etype: etypeName(data.etype), kvno: data.kvno, bytes: data.cipher.length };
  const fitting = keys.filter(({ key }) => key.etype.etype === data.etype);
  for (const { name, key } of fitting)
    for (const [kind, usage] of PARTS) {
      const opened = tryOpen(key, kind, usage, data);
      const schema = SealedPartSchema.fields.find(({ localName }) => localName === kind)?.message;
      if (opened === undefined || schema === undefined) continue;
      const contents = fieldsOf(schema, opened, style);
      return { ...facts, openedWith: name, part: schema.name, contents, closed: undefined };
    }
  return {
    ...facts,
    openedWith: undefined,
    part: undefined,
    contents: undefined,
    closed: why(data, keys, fitting),
  };
}

function why(data: EncryptedData, keys: readonly NamedKey[], fitting: readonly NamedKey[]): string {
  const etype = etypeName(data.etype);
  if (keys.length === 0) return "no key was given (--keytab, --key, or --password-file with --principal)";
  if (fitting.length === 0) {
    const held = [...new Set(keys.map(({ key }) => key.etype.name))].join(", ");
    return `it is under ${etype}; the keys given are of ${held}`;
  }
  const versions = fitting.map(({ kvno }) => kvno).filter((kvno) => kvno > 0);
  if (data.kvno > 0 && versions.length > 0 && !versions.includes(data.kvno))
    return `it is under key version ${data.kvno}; the keys given are of version ${versions.join(", ")}`;
  const tried =
    fitting.length === 1 ? "the key given does not open it" : `none of ${fitting.length} keys opens it`;
  return `${tried}: it is another key's, or was changed`;
}

function tryOpen(key: Key, kind: PartKind, usage: number, data: EncryptedData): Message | undefined {
  try {
    return unseal({ key, usage }, kind, data, () => new KrbError("KRB_AP_ERR_BAD_INTEGRITY", "closed"));
  } catch (error) {
    if (error instanceof KrbError) return undefined;
    throw error;
  }
}

async function keysOf(choice: DecodeChoice): Promise<NamedKey[]> {
  const keys: NamedKey[] = [];
  if (choice.keytab !== undefined)
    for (const { principal, kvno, key } of await readKeytab(choice.keytab))
      keys.push(named(`${principal}, kvno ${kvno}`, { kvno, key }));
  if (choice.key !== undefined) keys.push(keyArgument(choice.key));
  if (choice.principal !== undefined) {
    const principal = parsePrincipalArgument(choice.principal, await defaultRealm(), "--principal");
    const password = await readPassword(choice, principal);
    for (const etype of parseEtypes(["aes256,aes128,des3,des"], "--key")) {
      const key = await keyFromPassword(etypeOf(etype), password, defaultStringToKey(principal));
      keys.push(named(`the password of ${principal}`, { kvno: 0, key }));
    }
  }
  return keys;
}

function named(name: string, { kvno, key }: LongTermKey): NamedKey {
  return { name, kvno, key };
}

/** `ETYPE:HEX`. What was given is never repeated: it holds a key. */
function keyArgument(text: string): NamedKey {
  const [etypeText = "", hex = ""] = text.split(":");
  const [etype] = parseEtypes([etypeText], "--key");
  const row = etypeOf(etype!);
  if (!new RegExp(`^[0-9a-fA-F]{${row.keySize * 2}}$`).test(hex))
    throw new UsageError(`--key: expected ${row.name}: and ${row.keySize * 2} hex digits`);
  return named("the key given", { kvno: 0, key: new Key(row, Buffer.from(hex, "hex")) });
}

function fieldLines(fields: readonly Field[], indent: string): string[] {
  return columns(fields.map(({ name, value }) => [`${indent}${name}`, value]));
}

function record(fields: readonly Field[]): Record<string, string> {
  return Object.fromEntries(fields.map(({ name, value }) => [name.trim(), value]));
}
