/**
 * Where a trace goes, as TESSERA_TRACE says: a file, to which lines are added; `-` or /dev/stderr; `json:`
 * before either for a line of JSON for each event.
 *
 * A file is made with mode 0600. One that is there already is written only if it is the user's own and nobody
 * else may read it, and never through a link: a trace says who talks to whom, and holds proofs that are made
 * with passwords, from which weak ones can be guessed.
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { requireOwn } from "../../files/privacy.js";
import { PrivateFileError } from "../../files/private-file-error.js";
import { systemErrorText } from "../../files/system-error.js";
import type { TraceEvent, TraceSink } from "./trace-event.js";

const STDERR = 2;
const JSON_PREFIX = "json:";

/**
 * What writes a trace; undefined where none is wanted.
 * @param target as TESSERA_TRACE says; undefined or empty: none.
 * @param onTrouble told, once, why the trace can't be written; the calls go on without it.
 */
export function traceTo(
  target: string | undefined,
  onTrouble: (text: string) => void,
): TraceSink | undefined {
  if (target === undefined || target === "" || target === JSON_PREFIX) return undefined;
  const isJson = target.startsWith(JSON_PREFIX);
  const place = isJson ? target.slice(JSON_PREFIX.length) : target;
  const lineOf = isJson ? (event: TraceEvent) => JSON.stringify(event) : textOf;
  let isWritable = true;
  return (event) => {
    const line = isWritable ? lineOf(event) : undefined;
    if (line === undefined) return;
    try {
      append(place, `${line}\n`);
    } catch (error) {
      isWritable = false;
      onTrouble(`the trace ${target} can't be written: ${whyNot(error, place)}`);
    }
  };
}

/** An event as a line for people; undefined for those that they are not told of. */
function textOf(event: TraceEvent): string | undefined {
  const head = `${event.at} [${event.pid}] ${event.path}`;
  switch (event.event) {
    case "sent":
      return `${head} -> ${event.bytes} bytes`;
    case "proof":
      return `${head} ${event.from === "client" ? "->" : "<-"} ${event.header}, ${event.hex.length / 2} bytes`;
    case "ended":
      return `${head} <- ${event.outcome}${event.code === 0 ? `, ${event.bytes} bytes` : ""}, ${event.ms.toFixed(1)} ms`;
    default:
      return undefined;
  }
}

function append(place: string, line: string): void {
  // Opened again, a redirected /dev/stderr would be overwritten from its beginning.
  if (place === "-" || place === "/dev/stderr") {
    writeSync(STDERR, line);
    return;
  }
  // O_NONBLOCK, because a named pipe would otherwise wait for its reader.
  const fd = openSync(place, FLAGS | (place.startsWith("/dev/") ? 0 : (constants.O_NOFOLLOW ?? 0)), 0o600);
  try {
    const status = fstatSync(fd);
    if (status.isFile()) requireOwn(status, place);
    writeSync(fd, line);
  } finally {
    closeSync(fd);
  }
}

const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);

function whyNot(error: unknown, place: string): string {
  if (!(error instanceof PrivateFileError)) return systemErrorText(error);
  return error.message.startsWith(`${place}: `) ? error.message.slice(place.length + 2) : error.message;
}
