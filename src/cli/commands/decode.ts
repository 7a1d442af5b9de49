/** `tessera decode`: tells what a blob is, and opens it with a key. */
import { PrivateFileError } from "../../files/private-file-error.js";
import { readPublicFile } from "../../files/public-file.js";
import { systemErrorText } from "../../files/system-error.js";
import { CommandError, defineCommand, UsageError } from "../frame/command.js";
import { PASSWORD_OPTIONS } from "../options/password.js";

export const command = defineCommand({
  name: "decode",
  usage: ["[OPTION…] [BASE64|FILE|-]"],
  description:
    "Tells what a blob is (a ticket, something sealed, a request to or response of one of the services, " +
    "what a guarded call carries, a keytab, a credential cache, a dump, a stored record) and shows what is " +
    "in clear. With a key that fits, it opens what is sealed and shows that too, session keys redacted. " +
    "The blob is base64, hex, a header (kerberos-call-bin: …), or a file that holds either or the bytes " +
    "themselves; without an argument it is read from stdin.",
  examples: [
    "tessera klist -T v/localhost | tessera decode --keytab v.keytab -",
    "tessera decode --password-file alice.password --principal alice@EXAMPLE.TEST as-rep.bin",
    "tessera decode --key des-cbc-md5:0123456789ABCDEF EgQI…",
    "tessera decode --type ticket ticket.b64",
    "tessera decode --bytes --explain v.keytab",
  ],
  options: {
    type: {
      value: "TYPE",
      help: "its type: ticket, as-req, ap-req, ap-rep, session-call, keytab, ccache, dump, …",
    },
    keytab: { value: "FILE", help: "try the keys of a keytab" },
    key: {
      value: "ETYPE:HEX",
      help: "try this key; other users of this machine can see it, so prefer --keytab",
    },
    principal: { value: "PRINCIPAL", help: "whose password it is" },
    ...PASSWORD_OPTIONS,
    "show-keys": { help: "show session keys in hex: whoever sees them can act as the client" },
    bytes: { help: "show every byte: where it lies, and what it is" },
    explain: { help: "the same, and what each field is for" },
    full: { help: "show all bytes of every field" },
  },
  arguments: [0, 1],
  run: async ({ options, positionals, json, ...around }) => {
    const withPassword = options["password-file"] !== undefined || options["password-stdin"];
    if (withPassword !== (options.principal !== undefined))
      throw new UsageError("--principal goes with --password-file or --password-stdin");
    const source = positionals[0] ?? "-";
    if (source === "-" && options["password-stdin"])
      throw new UsageError("stdin can't give both the blob and the password");
    const { decodeAndPrint } = await import("../dialogue/decode.js");
    const input = source === "-" ? await readStdin(around.stdin()) : await readArgument(source);
    const bytes = options.bytes || options.explain;
    await decodeAndPrint(input, { ...options, bytes, showKeys: options["show-keys"], json }, around);
    return undefined;
  },
});

/** A dump of several thousand principals; a message has no more than a few. */
const MAX_BYTES = 4 * 1024 * 1024;

async function readStdin(stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of stdin) {
    chunks.push(chunk);
    total += chunk.length;
    if (total > MAX_BYTES) throw new CommandError("stdin: too long for a message");
  }
  return Buffer.concat(chunks);
}

/** The contents of the file of that name, or else the text itself. */
async function readArgument(text: string): Promise<Uint8Array> {
  try {
    return await readPublicFile(text, MAX_BYTES);
  } catch (error) {
    if (error instanceof PrivateFileError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const looksLikeFile =
      text.length < 16 || /\.[a-z0-9]{1,8}$/i.test(text) || !/^[A-Za-z0-9+/_=\s-]+$/.test(text);
    if (looksLikeFile || (code !== "ENOENT" && code !== "ENAMETOOLONG" && code !== "ENOTDIR"))
      throw new CommandError(
        `${text.slice(0, 200)}: ` +
          (code === "ENOENT" ? "no such file, and not base64" : systemErrorText(error)),
        undefined,
        code,
      );
    return Buffer.from(text);
  }
}
