/** What PostgreSQL and the way to it may refuse, as StoreErrors: one row for each that has a remedy. */
import { ReadableError } from "../../errors/readable-error.js";
import { systemErrorText } from "../../files/system-error.js";
import { StoreError, type StoreErrorCode } from "../store-error.js";

interface Row {
  readonly code: StoreErrorCode;
  readonly text: string;
  readonly hint?: string;
}

/** By SQLSTATE (PostgreSQL, appendix A), its class, or the system's name for what failed. */
const ROWS: Readonly<Record<string, Row>> = {
  "28P01": {
    code: "unavailable",
    text: "refuses the password",
    hint: "check the user, and the password in the URL, PGPASSWORD or PGPASSFILE",
  },
  "28000": {
    code: "unavailable",
    text: "does not let this user in",
    hint: "look at its pg_hba.conf, and at sslmode",
  },
  "3D000": { code: "missing", text: "has no such database", hint: "make it: createdb" },
  "42501": {
    code: "unavailable",
    text: "refuses this user a right",
    hint: "give the user the rights that docs/formats.md names",
  },
  "25006": {
    code: "unavailable",
    text: "is a read-only standby",
    hint: "name its primary too: postgres://HOST,HOST/DATABASE",
  },
  "53100": { code: "full", text: "has no room on its disk", hint: "make room there and try again" },
  "53200": { code: "full", text: "has no memory left", hint: "try again" },
  "53300": {
    code: "unavailable",
    text: "has no connection left",
    hint: "raise its max_connections, or give a smaller pool",
  },
  "57014": { code: "unavailable", text: "did not come to an end in time", hint: "try again" },
  XX001: { code: "corrupt", text: "says that its data are damaged", hint: "restore a backup" },
  XX002: { code: "corrupt", text: "says that an index is damaged", hint: "reindex it, or restore a backup" },
  "42P01": { code: "corrupt", text: "lacks a table of the realm", hint: "restore a backup" },
  NO_TLS: {
    code: "unavailable",
    text: "offers no TLS",
    hint: "switch it on there; sslmode=disable goes without, for networks that nobody else is on",
  },
  NO_PASSWORD: {
    code: "unavailable",
    text: "asks for a password, and there is none",
    hint: "give it in the URL, PGPASSWORD or PGPASSFILE",
  },
  LATE: { code: "unavailable", text: "does not answer", hint: "look whether it is up" },
  BUSY: { code: "unavailable", text: "has no connection free", hint: "give a larger pool, or try again" },
  ECONNREFUSED: { code: "unavailable", text: "does not answer", hint: "look whether it is up" },
};

/** The server is going, coming or gone: another connection, or another server, may do. */
const LOST = /^(?:08...|57P0[1-5]|25006|LATE|EPIPE|E[A-Z]*(?:CONN|HOST|NET|TIMEDOUT|NOTFOUND|AGAIN)[A-Z]*)$/;

/** Which of them an error is; "" for none. */
export function causeOf(error: unknown): string {
  const { code, message = "" } = (error ?? {}) as { code?: unknown; message?: string };
  if (typeof code === "string" && code !== "") return code;
  if (/does not support SSL|establishing an SSL connection/.test(message)) return "NO_TLS";
  if (/password must be a (?:non-empty )?string/i.test(message)) return "NO_PASSWORD";
  if (/timeout|Connection terminated due to/.test(message)) return "LATE";
  if (/Connection terminated|Client has encountered a connection error|not queryable/.test(message))
    return "ECONNRESET";
  return "";
}

/** Whether the connection is of no more use, and perhaps the server. */
export function isLost(error: unknown): boolean {
  return LOST.test(causeOf(error));
}

/**
 * The StoreError of whatever failed; one that is a StoreError already stays as it is.
 * @param text the server's name in messages, without a password.
 */
export function postgresError(error: unknown, text: string): StoreError {
  if (error instanceof StoreError) return error;
  if (error instanceof ReadableError)
    return new StoreError("unavailable", `${text}: ${error.message}`, { hint: error.hint, cause: error });
  const cause = causeOf(error);
  // The system's errors name the address once more, or a list of them is empty.
  const isOfSystem =
    (error as NodeJS.ErrnoException).syscall !== undefined || (error as Error).message === "";
  const message = isOfSystem ? systemErrorText(error) || cause : (error as Error).message;
  const row = ROWS[cause] ?? { code: "unavailable" as const, text: "can't be used" };
  const hint =
    row.hint ?? (isTlsError(cause) ? "look at sslrootcert, and at the server's certificate" : undefined);
  return new StoreError(row.code, `${text}: ${row.text} (${message})`, {
    cause: error,
    ...(hint !== undefined && { hint }),
  });
}

function isTlsError(cause: string): boolean {
  return /CERT|TLS|SSL|ISSUER|SIGNATURE|ALTNAME/.test(cause);
}

/** What is thrown where a server said nothing for so long, in milliseconds. */
export function lateError(ms: number): Error {
  return Object.assign(new Error(`no answer in ${ms} ms`), { code: "LATE" });
}
