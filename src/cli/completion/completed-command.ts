/** What the shells complete: every command of the table, with its options. */
import { COMMON_OPTIONS } from "../frame/arguments.js";
import type { CommandRow, OptionSpecs } from "../frame/command.js";

/** A command, as a shell completes it. */
export interface CompletedCommand {
  /** One word, or two if the first is a group. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** Words that an argument may be. */
  readonly words: readonly string[];
  readonly options: readonly CompletedOption[];
}

/** An option, as a shell completes it. */
export interface CompletedOption {
  readonly long: string;
  readonly short: string | undefined;
  readonly help: string;
  /** What its value is called; undefined: it takes none. */
  readonly value: string | undefined;
  readonly isFile: boolean;
  readonly isMultiple: boolean;
}

/** The commands of these rows, in their order. */
export async function completedCommands(rows: readonly CommandRow[]): Promise<CompletedCommand[]> {
  return Promise.all(
    rows.map(async ({ name, aliases = [], summary, load }) => {
      const { options, words = [] } = (await load()).command;
      return { name, aliases, summary, words, options: completedOptions(options) };
    }),
  );
}

function completedOptions(specs: OptionSpecs): CompletedOption[] {
  return Object.entries({ ...specs, ...COMMON_OPTIONS } as OptionSpecs).map(([long, spec]) => ({
    long,
    short: spec.short,
    help: spec.help,
    value: spec.value,
    isFile: /^(?:FILE|DIR)$/.test(spec.value ?? ""),
    isMultiple: spec.multiple ?? false,
  }));
}

/** The first words of commands, each once: `kadmin`, `kinit`. */
export function firstWords(commands: readonly CompletedCommand[]): string[] {
  return [...new Set(commands.map(({ name }) => name.split(" ")[0]!))];
}

/** The words that begin two-word commands, with the second words of each. */
export function groups(commands: readonly CompletedCommand[]): [group: string, rows: CompletedCommand[]][] {
  const found = new Map<string, CompletedCommand[]>();
  for (const command of commands) {
    const [group, second] = command.name.split(" ");
    if (second === undefined) continue;
    found.set(group!, [...(found.get(group!) ?? []), command]);
  }
  return [...found];
}

/** The second word of a two-word command. */
export function secondWord({ name }: CompletedCommand): string {
  return name.split(" ")[1]!;
}

/** What a word of the first level is for: the command's summary, or that it is a group. */
export function summaryOf(commands: readonly CompletedCommand[], word: string): string {
  const own = commands.find(({ name }) => name === word);
  const rows = commands.filter(({ name }) => name.startsWith(`${word} `));
  return rows.length === 0 ? (own?.summary ?? "") : rows.map(secondWord).join(", ");
}
