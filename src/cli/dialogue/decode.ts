/** Prints what a blob is and what is in it. */

import { EncryptedDataSchema } from "../../gen/kerberos/v1/encryption_pb.js";
import { type Blob, type BlobContents, identify, readBlob } from "../../lab/blob.js";
import { BLOB_TYPES } from "../../lab/blob-types.js";
import { hexOf } from "../../lab/bytes/readable.js";
import type { Field } from "../../lab/fields.js";
import type { NamedKey, OpenedPart, WhyClosed } from "../../lab/open-part.js";
import { etypeOf, etypesWithIntegrity } from "../../protocol/etypes.js";
import { defaultStringToKey, flawOf, Key, keyFromPassword } from "../../protocol/keys.js";
import { passwordForms } from "../../protocol/passwords.js";
import { CommandError, type CommandSurroundings, UsageError } from "../frame/command.js";
import { byteLines } from "../lab/byte-lines.js";
import { parseEtypes } from "../options/etype-argument.js";
import { type PasswordChoice, readPassword } from "../options/password.js";
import { parsePrincipalArgument } from "../options/principal-argument.js";
import { counted } from "../screen/counted.js";
import { fieldRows } from "../screen/fields.js";
import { columns } from "../screen/layout.js";
import { readKeytab } from "../session/keytab.js";
import { defaultRealm } from "../session/realm.js";

/** What `tessera decode` was asked for. */
export interface DecodeChoice extends PasswordChoice, BlobStyle {
  readonly type: string | undefined;
  readonly keytab: string | undefined;
  readonly key: string | undefined;
  readonly principal: string | undefined;
  readonly json: boolean;
}

/** Decodes a blob and prints it. Throws CommandError if it is none of the known types. */
export async function decodeAndPrint(
  input: Uint8Array,
  choice: DecodeChoice,
  around: CommandSurroundings,
): Promise<void> {
  const blob = identified(input, choice.type);
  const contents = readBlob(blob, await keysOf(choice, around), choice);
  if (choice.json) around.screen.printJson(blobJson(blob, contents, choice));
  else around.screen.printAll(blobLines(blob, contents, choice));
}

function identified(input: Uint8Array, wanted: string | undefined): Blob {
  const names = BLOB_TYPES.map(({ name }) => name).join(", ");
  const types = BLOB_TYPES.filter(({ name, isGuessed }) =>
    wanted === undefined ? isGuessed : name === wanted,
  );
  if (types.length === 0) throw new UsageError(`--type: expected one of ${names}`);
  const blob = identify(input, types);
  if (blob !== undefined) return blob;
  throw new CommandError(
    `not ${wanted ?? `any of ${names}`} in canonical form (as base64, hex or bytes)`,
    "is it whole? `tessera klist -T SERVICE` prints a ticket of the cache in base64",
  );
}

/** How the contents of a blob are shown. */
export interface BlobStyle {
  readonly showKeys: boolean;
  readonly full: boolean;
  /** Every byte, and what it is. */
  readonly bytes: boolean;
  /** And what each field is for. */
  readonly explain: boolean;
}

/** A blob for `--json`. */
export function blobJson({ type, bytes, tree }: Blob, { clear, sealed }: BlobContents, choice: BlobStyle) {
  const { full, showKeys } = choice;
  const isShown = choice.bytes || type.message === undefined;
  const record = (fields: readonly Field[]) =>
    Object.fromEntries(fieldRows(fields, full).map(({ name, value }) => [name.trim(), value]));
  return {
    type: type.name,
    message: type.message,
    bytes: bytes.length,
    clear: record(clear),
    sealed: sealed.map(({ opened, closed, at, equalBlocks, ...part }) => ({
      ...part,
      openedWith: opened?.key,
      part: opened?.part,
      contents: opened && record(opened.fields),
      closed: closed && whyText(part, closed),
      ...(choice.bytes && {
        at,
        equalBlocks,
        usage: opened?.usage,
        tree: opened?.tree,
        plaintext: opened && showKeys ? hexOf(opened.plaintext) : undefined,
      }),
    })),
    ...(isShown && { tree }),
  };
}

/** A blob as text. */
export function blobLines(
  { type, bytes, tree }: Blob,
  { clear, sealed }: BlobContents,
  choice: BlobStyle,
): string[] {
  const { full } = choice;
  const isShown = choice.bytes || type.message === undefined;
  const fieldLines = (fields: readonly Field[]) =>
    columns(fieldRows(fields, full).map(({ name, value }) => [`  ${name}`, value]));
  const sealedLines = ({ field, etype, kvno, bytes, opened, closed }: OpenedPart) => [
    `sealed${field && ` ${field}`}: ${etype}${kvno > 0 ? `, kvno ${kvno}` : ""}, ${counted(bytes, "byte")}`,
    ...(opened === undefined
      ? []
      : [
          `  opened with ${opened.key}: ${opened.part}`,
          ...(choice.bytes
            ? byteLines(opened.tree, opened.plaintext, choice).map((line) => `  ${line}`)
            : fieldLines(opened.fields)),
        ]),
    ...(closed === undefined ? [] : [`  closed: ${whyText({ etype, kvno }, closed)}`]),
  ];
  return [
    [type.title, ...(type.message === undefined ? [] : [`(${type.message})`])].join(" ") +
      `, ${counted(bytes.length, "byte")}`,
    ...(isShown ? byteLines(tree, bytes, choice) : []),
    // The fields in clear of a blob that is itself sealed are said in the line on what is sealed.
    ...(isShown || type.message === EncryptedDataSchema.typeName ? [] : fieldLines(clear)),
    ...sealed.flatMap(sealedLines),
  ];
}

function whyText({ etype, kvno }: Pick<OpenedPart, "etype" | "kvno">, why: WhyClosed): string {
  switch (why.reason) {
    case "no-keys":
      return "no key was given (--keytab, --key, or --password-file with --principal)";
    case "other-etype":
      return `it is sealed under ${etype}; the keys given are of ${why.held.join(", ")}`;
    case "other-kvno":
      return `it is sealed under key version ${kvno}; the keys given are of version ${why.held.join(", ")}`;
    case "does-not-open": {
      const tried = why.tried === 1 ? "the key given does not open it" : `none of ${why.tried} keys opens it`;
      return `${tried}: it was sealed under another, or changed`;
    }
  }
}

async function keysOf(
  choice: DecodeChoice,
  { screen, env, stdin }: CommandSurroundings,
): Promise<NamedKey[]> {
  const keys: NamedKey[] = [];
  if (choice.keytab !== undefined)
    for (const { principal, kvno, key } of await readKeytab(choice.keytab, screen))
      keys.push({ name: `${principal}, kvno ${kvno}`, kvno, key });
  if (choice.key !== undefined) keys.push(keyArgument(choice.key));
  if (choice.principal !== undefined) {
    const principal = parsePrincipalArgument(choice.principal, await defaultRealm(env), "--principal");
    const password = await readPassword(choice, principal, stdin);
    for (const etype of etypesWithIntegrity())
      for (const form of passwordForms(password)) {
        const key = await keyFromPassword(etype, form, defaultStringToKey(principal));
        keys.push({ name: `the password of ${principal}`, kvno: 0, key });
      }
  }
  return keys;
}

/** Reads `ETYPE:HEX`. The text is never repeated: it holds a key. */
function keyArgument(text: string): NamedKey {
  const [etypeText = "", hex = ""] = text.split(":");
  const [etype] = parseEtypes([etypeText], "--key");
  const row = etypeOf(etype!);
  if (!new RegExp(`^[0-9a-fA-F]{${row.keySize * 2}}$`).test(hex))
    throw new UsageError(`--key: expected ${row.name}: and ${row.keySize * 2} hex digits`);
  const key = new Key(row, Buffer.from(hex, "hex"));
  const flaw = flawOf(key);
  if (flaw !== undefined) throw new UsageError(`--key: ${flaw.replace(/^key: /, "")}`);
  return { name: "the key given", kvno: 0, key };
}
