/** The trace that a program's environment asks for. */
import { visible } from "../../errors/visible-text.js";
import type { TraceSink } from "./trace-event.js";
import { traceTo } from "./trace-file.js";

const made = new Map<string, TraceSink | undefined>();

/** What TESSERA_TRACE asks for; undefined: nothing. */
export function traceOfEnvironment(): TraceSink | undefined {
  const target = process.env.TESSERA_TRACE;
  if (target === undefined || target === "") return undefined;
  if (!made.has(target)) made.set(target, traceTo(target, warn));
  return made.get(target);
}

function warn(text: string): void {
  process.emitWarning(visible(text), "TesseraWarning");
}
