/** A file of words to guess passwords from. */
import { PrivateFileError } from "../../files/private-file-error.js";
import { readPublicFile } from "../../files/public-file.js";
import { systemErrorText } from "../../files/system-error.js";
import { preparedPassword } from "../../protocol/passwords.js";
import { CommandError } from "../frame/command.js";

/**
 * The words in a file, one a line; lines that can't be passwords are left out.
 * @throws CommandError for a file that can't be read, or holds no word.
 */
export async function readWords(path: string): Promise<string[]> {
  let bytes: Uint8Array;
  try {
    bytes = await readPublicFile(path);
  } catch (error) {
    if (error instanceof PrivateFileError) throw error;
    throw new CommandError(
      `${path}: ${systemErrorText(error)}`,
      undefined,
      (error as NodeJS.ErrnoException).code,
    );
  }
  const words = Buffer.from(bytes).toString("utf8").split(/\r?\n/).filter(canBePassword);
  if (words.length === 0) throw new CommandError(`${path}: holds no word`, "one word a line");
  return words;
}

function canBePassword(word: string): boolean {
  try {
    preparedPassword(word);
    return true;
  } catch {
    return false;
  }
}
