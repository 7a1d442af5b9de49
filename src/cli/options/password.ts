/** Where a password comes from: the terminal, a private file, or stdin, and never the command line. */
import { readSecret } from "../../files/secret-file.js";
import { passwordForms } from "../../protocol/passwords.js";
import { CommandError, type OptionSpecs, UsageError } from "../frame/command.js";
import type { Surroundings } from "../frame/surroundings.js";
import { askSecret } from "../screen/terminal.js";

/** The options of every command that needs a password. */
export const PASSWORD_OPTIONS = {
  "password-file": { value: "FILE", help: "read the password from a file that only you can read" },
  "password-stdin": { help: "read the password from stdin: one line" },
} as const satisfies OptionSpecs;

/** The values of the password options. */
export interface PasswordChoice {
  readonly "password-file": string | undefined;
  readonly "password-stdin": boolean;
}

/** Opens stdin, for a password that comes that way. */
type OpenStdin = Surroundings["stdin"];

const MAX_BYTES = 4096;

/** The password of a principal, for a login. */
export async function readPassword(
  choice: PasswordChoice,
  principal: string,
  stdin: OpenStdin,
): Promise<string> {
  return (await givenPassword(choice, stdin)) ?? checked(await askSecret(`Password for ${principal}: `));
}

/** A new password; at the terminal it is asked for twice. */
export async function readNewPassword(
  choice: PasswordChoice,
  principal: string,
  stdin: OpenStdin,
): Promise<string> {
  const given = await givenPassword(choice, stdin);
  if (given !== undefined) return given;
  const password = checked(await askSecret(`New password for ${principal}: `));
  const again = await askSecret(`Again: `);
  if (!isSame(password, again)) throw new CommandError("the two passwords differ; nothing was changed");
  return password;
}

/** Whether two texts are the same password, however the terminal composed their characters. */
export function isSame(one: string, other: string): boolean {
  return one === other || (other !== "" && passwordForms(one)[0] === passwordForms(other)[0]);
}

async function givenPassword(choice: PasswordChoice, stdin: OpenStdin): Promise<string | undefined> {
  const file = choice["password-file"];
  if (file !== undefined && choice["password-stdin"])
    throw new UsageError("--password-file and --password-stdin: choose one");
  if (file !== undefined) return oneLine(await readSecret(file, MAX_BYTES), file);
  return choice["password-stdin"] ? oneLine(await readLine(stdin()), "stdin") : undefined;
}

async function readLine(stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of stdin) {
    chunks.push(chunk);
    total += chunk.length;
    if (total > MAX_BYTES || chunk.includes(0x0a)) break;
  }
  return Buffer.concat(chunks);
}

function oneLine(bytes: Uint8Array, source: string): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CommandError(`${source}: the password is not valid UTF-8`);
  } finally {
    bytes.fill(0);
  }
  // A byte-order mark is an editor's, not the password's.
  const line = text.replace(/^\ufeff/, "").replace(/\r?\n$/, "");
  if (/[\r\n]/.test(line)) throw new CommandError(`${source}: expected one line with the password`);
  if (bytes.length > MAX_BYTES) throw new CommandError(`${source}: too long for a password`);
  return checked(line);
}

function checked(password: string): string {
  if (password === "") throw new CommandError("the password is empty");
  return password;
}
