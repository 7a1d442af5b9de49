/**
 * A table of new principals: CSV (RFC 4180) whose first line names the columns.
 *
 * Invariant: no text of an error repeats a cell, for any may hold a password.
 */
import { type CastingContext, CsvError, type Info, parse } from "csv-parse/sync";
import { nearest } from "../../errors/nearest.js";
import { ReadableError } from "../../errors/readable-error.js";
import type { NewPrincipal } from "../../realm/add-principals.js";
import { CommandError } from "../frame/command.js";
import { chosenLimits, LIMIT_OPTIONS, type LimitChoice, typedEtypes } from "../options/kadmin-options.js";
import { counted } from "../screen/counted.js";

/** A principal of the table, and the line on which its row ends. */
export interface TableRow extends NewPrincipal {
  readonly line: number;
}

/** What is wrong with a line. */
export interface BadLine {
  readonly line: number;
  readonly text: string;
}

/** The columns by the names that they may have. */
const COLUMNS: ReadonlyMap<string, string> = new Map([
  ["principal", "principal"],
  ["password", "password"],
  ["etypes", "etypes"],
  ...Object.entries(LIMIT_OPTIONS)
    .filter(([name]) => name !== "enable")
    .flatMap(([name, spec]) =>
      [name, ...("aliases" in spec ? spec.aliases : [])].map((alias) => [alias, name] as const),
    ),
]);

/** What holds for every row whose own cell is empty. */
export interface TableDefaults extends LimitChoice {
  readonly etypes: readonly string[];
}

/**
 * Reads a table. An empty cell leaves a setting as it is without one; an empty password makes random keys.
 * @param now milliseconds since the epoch.
 * @returns its rows, and the lines that are no rows.
 * @throws CommandError for text that is not UTF-8 or has no commas between its columns, for a header that
 *   lacks `principal` or has a column that there is not, and where a quote is not closed.
 */
export function readTable(
  bytes: Uint8Array,
  source: string,
  defaults: TableDefaults,
  now: number,
): { rows: TableRow[]; bad: BadLine[] } {
  const [header, ...records] = readRecords(bytes, source);
  const columns = columnsOf(header?.record ?? [], source);
  const rows: TableRow[] = [];
  const bad: BadLine[] = [];
  for (const { record, info, isSpaced } of records) {
    try {
      if (record.length !== columns.length)
        throw new CommandError(`${counted(record.length, "cell")}, expected ${columns.length}`);
      if (isSpaced)
        throw new CommandError("a cell begins or ends with a space: write none, or put the cell in quotes");
      const cells = new Map(columns.map((column, i) => [column, record[i]!]));
      rows.push({ line: info.lines, ...rowOf(cells, defaults, now) });
    } catch (error) {
      if (!(error instanceof ReadableError)) throw error;
      bad.push({ line: info.lines, text: withoutCells(error.message) });
    }
  }
  return { rows, bad };
}

interface TableRecord {
  readonly record: string[];
  readonly info: Info;
  /** Whether a space at the beginning or end of a cell may be a slip: the cell has no quotes. */
  readonly isSpaced: boolean;
}

function readRecords(bytes: Uint8Array, source: string): TableRecord[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CommandError(`${source}: not valid UTF-8`);
  }
  try {
    const spaced = new Set<number>();
    const options = {
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      cast: (cell: string, { quoting, records }: CastingContext) => {
        if (!quoting && cell !== cell.trim()) spaced.add(records);
        return cell;
      },
    } as const;
    const records = parse(text, options) as unknown as Omit<TableRecord, "isSpaced">[];
    return records.map((each, index) => ({ ...each, isSpaced: spaced.has(index) }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const what = error.code === "CSV_QUOTE_NOT_CLOSED" ? "a quote is not closed" : "its quotes are wrong";
    throw new CommandError(`${source}, line ${error.lines}: ${what}`, 'a quote within a cell is doubled: ""');
  }
}

function columnsOf(header: readonly string[], source: string): string[] {
  const names = [...COLUMNS.keys()];
  const [, separator] = /([;\t])/.exec(header.length === 1 ? header[0]! : "") ?? [];
  if (separator !== undefined)
    throw new CommandError(
      `${source}, line 1: ${separator === ";" ? "semicolons" : "tabs"} stand between the columns`,
      "save the table with commas between them",
    );
  const columns = header.map((name) => {
    const column = COLUMNS.get(name.trim().toLowerCase());
    if (column !== undefined) return column;
    const near = nearest(name.trim().toLowerCase(), names);
    throw new CommandError(
      `${source}, line 1: there is no such column${near === undefined ? "" : `; did you mean ${near}?`}`,
      `the first line names the columns: ${names.join(", ")}`,
    );
  });
  if (new Set(columns).size < columns.length)
    throw new CommandError(`${source}, line 1: a column stands twice`);
  if (!columns.includes("principal"))
    throw new CommandError(
      `${source}: no column principal`,
      "the first line names the columns, such as: principal,password",
    );
  return columns;
}

function rowOf(cells: ReadonlyMap<string, string>, defaults: TableDefaults, now: number): NewPrincipal {
  const cell = (name: string) => cells.get(name) || undefined;
  const etypes = cell("etypes");
  const choice: LimitChoice = {
    disable: yesOrNo(cell("disable")) ?? defaults.disable,
    enable: defaults.enable,
    expire: cell("expire") ?? defaults.expire,
    "pw-expire": cell("pw-expire") ?? defaults["pw-expire"],
    "max-life": cell("max-life") ?? defaults["max-life"],
    "max-renewable-life": cell("max-renewable-life") ?? defaults["max-renewable-life"],
  };
  return {
    name: cell("principal") ?? "",
    password: cell("password"),
    etypes: typedEtypes(etypes === undefined ? defaults.etypes : [etypes]),
    limits: chosenLimits(choice, now),
  };
}

function yesOrNo(text: string | undefined): boolean | undefined {
  if (text === undefined || text === "no") return text === undefined ? undefined : false;
  if (text === "yes") return true;
  throw new CommandError("disable: expected yes or no");
}

/** Errors of options repeat what was typed after `got`, or after `no encryption type`. */
function withoutCells(message: string): string {
  return message
    .replace(/, got .*$/su, "")
    .replace(/^-e: no encryption type .*; there are/su, "etypes: no such encryption type; there are");
}
