/** `tessera kadmin addprinc --from FILE`: adds the principals of a table. */
import { ReadableError } from "../../errors/readable-error.js";
import { readSecret } from "../../files/secret-file.js";
import { addPrincipals, checkNewPrincipal, type NewPrincipal } from "../../realm/add-principals.js";
import type { Realm } from "../../realm/realm.js";
import { CommandError, type CommandSurroundings } from "../frame/command.js";
import { parsePrincipalArgument } from "../options/principal-argument.js";
import { counted } from "../screen/counted.js";
import { entryFacts } from "../screen/principal-entry.js";
import { Progress } from "../screen/progress.js";
import { type BadLine, readTable, type TableDefaults, type TableRow } from "./principal-table.js";

const MAX_TABLE_BYTES = 256 * 1024 * 1024;
/** How many bad lines are shown. */
const SHOWN = 20;

/** What was asked for. */
export interface AddFromChoice extends TableDefaults {
  readonly from: string;
  readonly "skip-existing": boolean;
  readonly json: boolean;
}

/** Lines of a table that can't be added; nothing was. */
export class TableError extends ReadableError {
  override readonly name = "TableError";
  readonly #bad: readonly BadLine[];

  constructor(source: string, bad: readonly BadLine[]) {
    const shown = bad.slice(0, SHOWN).map(({ line, text }) => `${source}, line ${line}: ${text}`);
    const more = bad.length > SHOWN ? [`… and ${counted(bad.length - SHOWN, "line")} more`] : [];
    super([...shown, ...more].join("\n"), { hint: "nothing was added; mend these lines and run it again" });
    this.#bad = bad;
  }

  override get facts() {
    return { reason: "bad-lines", lines: this.#bad };
  }
}

/**
 * Adds the principals of a table, after checking every line.
 * @throws PrivateFileError for a file that others can read; CommandError as `readTable`; TableError for bad
 *   lines: then nothing was added; as `addPrincipals`, with the line in a notice.
 */
export async function addFromTable(
  realm: Realm,
  choice: AddFromChoice,
  { screen, now, stdin }: Pick<CommandSurroundings, "screen" | "now" | "stdin">,
): Promise<void> {
  const source = choice.from === "-" ? "stdin" : choice.from;
  const time = now();
  const bytes = choice.from === "-" ? await readAll(stdin()) : await readSecret(choice.from, MAX_TABLE_BYTES);
  const { rows, bad } = readTable(bytes, source, choice, time);
  bytes.fill(0);
  await checkRows(realm, rows, bad, choice);
  if (bad.length > 0)
    throw new TableError(
      source,
      bad.toSorted((a, b) => a.line - b.line),
    );
  const progress = new Progress(screen);
  const counts = { added: 0, skipped: 0 };
  try {
    for await (const { principal, entry } of addPrincipals(
      realm,
      withoutLines(rows),
      time,
      onExisting(choice),
    )) {
      const { line } = rows[counts.added + counts.skipped]!;
      counts[entry === undefined ? "skipped" : "added"]++;
      const result = entry === undefined ? "skipped" : "added";
      if (choice.json)
        screen.printJsonLine({ line, result, principal, ...(entry && entryFacts(entry, realm)) });
      progress.show(counts.added + counts.skipped, (counts.added + counts.skipped) / rows.length);
    }
  } catch (error) {
    const line = rows[counts.added + counts.skipped]?.line;
    screen.notice(`${source}, line ${line}: not added; ${counts.added} before it were`);
    screen.notice("lines after it may have been added: run it again with --skip-existing");
    throw error;
  }
  screen.clearStatus();
  const skipped = counts.skipped === 0 ? "" : `, ${counts.skipped} skipped that exist`;
  if (!choice.json) screen.print(`${counted(counts.added, "principal")} added${skipped}`);
}

function* withoutLines(rows: readonly TableRow[]): Generator<NewPrincipal> {
  for (const { line: _, ...principal } of rows) yield principal;
}

function onExisting(choice: AddFromChoice): "refuse" | "skip" {
  return choice["skip-existing"] ? "skip" : "refuse";
}

/** Checks each row against the realm and those before it; adds what is wrong to `bad`. */
async function checkRows(
  realm: Realm,
  rows: readonly TableRow[],
  bad: BadLine[],
  choice: AddFromChoice,
): Promise<void> {
  const lines = new Map<string, number>();
  for (const row of rows)
    try {
      parsePrincipalArgument(row.name, realm.settings.realm, "principal");
      const { principal, exists } = await checkNewPrincipal(realm, row);
      const before = lines.get(principal);
      if (before !== undefined) throw new CommandError(`${principal} stands in line ${before} already`);
      lines.set(principal, row.line);
      if (exists && !choice["skip-existing"])
        throw new CommandError(`${principal} exists already; --skip-existing leaves it as it is`);
    } catch (error) {
      if (!(error instanceof ReadableError)) throw error;
      bad.push({ line: row.line, text: error.message.split("\n")[0]! });
    }
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const read: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > MAX_TABLE_BYTES) throw new CommandError("stdin: too long for a table");
    read.push(chunk);
  }
  return Buffer.concat(read);
}
