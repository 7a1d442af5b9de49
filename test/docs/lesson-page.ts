/** What a lesson has its reader type, and what it says will be seen. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../package/tarball.js";

/** Commands for a terminal, or lines that are quoted of what is seen. */
export type LessonStep = { readonly terminal: string; readonly commands: readonly LessonCommand[] } | Seen;

/** Lines that are quoted. */
export interface Seen {
  /** The terminal in which a server runs that printed it; undefined: the commands before. */
  readonly shownBy: string | undefined;
  /** In order; `…` stands for any text, on a line of its own for any lines. */
  readonly quoted: readonly string[];
}

/** A command, without the comment behind it. */
export interface LessonCommand {
  readonly line: string;
  /** What the comment says: whether the command fails, and the password that is typed. */
  readonly isRefused: boolean;
  readonly password: string | undefined;
}

const BLOCK = /(?:<!-- terminal (\d+)(?: shows)? -->\n\n)?```(sh|text)\n([\s\S]*?)```/g;

/** A page in docs/lessons. */
export function lessonText(name: string): string {
  return readFileSync(join(ROOT, "docs/lessons", name), "utf8");
}

/** The steps of a lesson, in order. */
export function lessonSteps(text: string): LessonStep[] {
  return [...text.matchAll(BLOCK)].map(([, terminal, kind, body]) => {
    const lines = body!.trimEnd().split("\n");
    if (kind === "text") return { shownBy: terminal, quoted: lines };
    return { terminal: terminal ?? "1", commands: lines.map(command) };
  });
}

function command(typed: string): LessonCommand {
  const [, line = "", comment = ""] = /^(.*?)(?:\s+# (.*))?$/.exec(typed)!;
  const remarks = comment.split("; ");
  const password = remarks.map((one) => /^password: (.*)$/.exec(one)?.[1]).find((one) => one !== undefined);
  return { line, isRefused: remarks.includes("refused"), password };
}

/** The first of the quoted lines that was not printed in its place; undefined: all were. */
export function missingLine(quoted: readonly string[], printed: string): string | undefined {
  const lines = masked(printed).split("\n");
  let at = 0;
  let isAnywhere = true;
  for (const line of quoted) {
    if (line.trim() === "…") {
      isAnywhere = true;
      continue;
    }
    const wanted = new RegExp(`^${masked(line).split("…").map(escaped).join(".*")}$`);
    const found = lines.findIndex((one, i) => i >= at && wanted.test(one));
    if (found === -1 || (!isAnywhere && found !== at)) return line;
    at = found + 1;
    isAnywhere = false;
  }
  return undefined;
}

/**
 * Without what is another each time: times, addresses, bytes in hex, sizes, identifiers, the width of
 * columns.
 */
function masked(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?|\b\d\d:\d\d:\d\d\.\d{3}\b/g, "TIME")
    .replace(/127\.0\.0\.1:\d+/g, "ADDRESS")
    .replace(/\b[0-9a-f]{8,}\b/g, "HEX")
    .replace(/\b\d+ bytes\b/g, "SIZE")
    .replace(/\b\d+(?:\.\d+)? (ms|a second)\b/g, "N $1")
    .replace(/[^\S\n]+/g, " ")
    .replace(/ +$/gm, "");
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
