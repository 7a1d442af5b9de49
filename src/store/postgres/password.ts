/**
 * The password for a PostgreSQL server that its name does not hold: PGPASSWORD, or the first line that fits
 * in the file that PGPASSFILE names, `HOST:PORT:DATABASE:USER:PASSWORD` as libpq has it.
 */
import { readSecret } from "../../files/secret-file.js";

/** The longest password file, in bytes. */
const MAX_FILE = 1024 * 1024;

/** For whom a password is wanted. */
export interface PasswordWanted {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/**
 * The password, or undefined where none is to be found.
 * @throws PrivateFileError for a password file that is missing, or open to others.
 */
export async function postgresPassword(
  wanted: PasswordWanted,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  if (env.PGPASSWORD !== undefined) return env.PGPASSWORD;
  if (env.PGPASSFILE === undefined || env.PGPASSFILE === "") return undefined;
  const bytes = await readSecret(env.PGPASSFILE, MAX_FILE);
  try {
    return passwordIn(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"), wanted);
  } finally {
    bytes.fill(0);
  }
}

/** The password on the first line of a file that fits. */
export function passwordIn(text: string, { host, port, database, user }: PasswordWanted): string | undefined {
  const wanted = [host.startsWith("/") ? "localhost" : host, String(port), database, user];
  for (const line of text.split(/\r?\n/)) {
    if (line === "" || line.startsWith("#")) continue;
    // A colon or a backslash within a field has a backslash before it.
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].map(([, field]) =>
      (field as string).replace(/\\(.)/g, "$1"),
    );
    if (fields.length >= 5 && wanted.every((value, i) => fields[i] === "*" || fields[i] === value))
      return fields[4];
  }
  return undefined;
}
