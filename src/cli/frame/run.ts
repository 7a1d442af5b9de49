/**
 * Finds the command that a command line names, runs it, and turns what it throws into text and an exit code.
 */
import { nearest } from "../../errors/nearest.js";
import { ReadableError } from "../../errors/readable-error.js";
import { Screen } from "../screen/screen.js";
import { version } from "../version.js";
import { NO_PASSWORD_ARGUMENTS, parseArguments } from "./arguments.js";
import { type Command, type CommandRow, type CommandSurroundings, UsageError } from "./command.js";
import { COMMANDS } from "./command-table.js";
import { commandHelp, groupHelp, programHelp, usageLines } from "./help.js";
import type { Surroundings } from "./surroundings.js";

/** Runs the words of a command line and returns the exit code: 0 done, 1 refused or failed, 2 wrong usage. */
export function run(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr, ...rest } = surroundings;
  return dispatch(words, {
    ...rest,
    screen: new Screen(stdout, stderr, rest.env),
    run: dispatch,
    commands: COMMANDS,
  });
}

async function dispatch(words: readonly string[], around: CommandSurroundings): Promise<number> {
  const { screen } = around;
  const [first, second] = words;
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    screen.print(programHelp());
    return first === undefined ? 2 : 0;
  }
  if (first === "--version" || first === "-V") {
    screen.print(`tessera ${version()}`);
    return 0;
  }
  const single = COMMANDS.find(({ name }) => name === first);
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
  if (single !== undefined && group.length === 0) return runCommand(single, words.slice(1), around);
  if (group.length === 0) return unknownCommand(words, 1, COMMANDS, screen);
  if (second === undefined || second === "--help" || second === "-h") {
    screen.print(groupHelp(first, single === undefined ? group : [...group, single]));
    return second === undefined ? 2 : 0;
  }
  // A group's own options: `kadmin -f FILE`.
  if (single !== undefined && second.startsWith("-")) return runCommand(single, words.slice(1), around);
  const row = group.find(({ name, aliases = [] }) => [name, ...aliases].includes(`${first} ${second}`));
  if (row === undefined) return unknownCommand(words, 2, group, screen);
  return runCommand(row, words.slice(2), around);
}

async function runCommand(
  row: CommandRow,
  words: readonly string[],
  around: CommandSurroundings,
): Promise<number> {
  const { command } = await row.load();
  try {
    // A request for help comes before whatever else is wrong with the line.
    if (wantsHelp(words)) {
      const subjects = words.filter((word) => !word.startsWith("-"));
      around.screen.print((await command.helpOn?.(subjects)) ?? commandHelp(command));
      return 0;
    }
    const { options: typed, positionals } = parseArguments(words, command.options, command.absent);
    checkCount(command, positionals.length);
    const json = typed.json === true;
    const { configured } = await import("../config/configured.js");
    const { options, around: found } = await configured(command, typed, around);
    const reread = async () => (await configured(command, typed, around)).options as never;
    return (await command.run({ ...found, options: options as never, positionals, json, reread })) ?? 0;
  } catch (error) {
    return failed(command, error, wantsJson(words), around);
  }
}

function wantsHelp(words: readonly string[]): boolean {
  return optionWords(words).some((word) => word === "--help" || word === "-h");
}

/** Whether JSON is wanted, also of a command line that is wrong in some other word. */
function wantsJson(words: readonly string[]): boolean {
  return optionWords(words).some((word) => word === "--json" || word === "-json");
}

/** The words that may be options: those before `--`. */
function optionWords(words: readonly string[]): readonly string[] {
  const end = words.indexOf("--");
  return end < 0 ? words : words.slice(0, end);
}

function checkCount(command: Command, count: number): void {
  const [least, most] = command.arguments;
  if (count < least) throw new UsageError("an argument is missing");
  if (count <= most) return;
  // The arguments are not repeated: one of them may be a password.
  const takesPassword = "password-stdin" in command.options;
  const warning = takesPassword ? `; if one is a password: ${NO_PASSWORD_ARGUMENTS}` : "";
  throw new UsageError(`too many arguments: at most ${most}, got ${count}${warning}`);
}

async function failed(
  command: Command,
  error: unknown,
  json: boolean,
  { screen, now }: CommandSurroundings,
): Promise<number> {
  const exitCode = error instanceof ReadableError ? error.exitCode : 1;
  if (exitCode === 2) {
    if (json) screen.printJson({ error: { reason: "usage", text: (error as Error).message } });
    screen.notice(`${command.name}: ${(error as Error).message}`);
    screen.notice(usageLines(command).join("\n"));
    screen.notice(`\`tessera ${command.name} --help\` shows options and examples`);
    return exitCode;
  }
  const { describeFailure } = await import("./failure.js");
  const { text, compared, hint, facts } = describeFailure(error, now());
  if (json) screen.printJson({ error: facts });
  screen.notice(text);
  if (compared !== undefined) screen.notice(`compared: ${compared}`);
  if (hint !== undefined) screen.hint(hint);
  return exitCode;
}

/** @param count how many words name a command here: two in a group. */
function unknownCommand(
  words: readonly string[],
  count: number,
  rows: readonly CommandRow[],
  screen: Screen,
): number {
  const typed = words.slice(0, count).join(" ");
  const names = rows.flatMap(({ name }) => [name, name.split(" ")[0]!]);
  const near = nearest(typed, names);
  const text = `unknown command: ${typed}${near === undefined ? "" : `; did you mean \`tessera ${near}\`?`}`;
  if (wantsJson(words)) screen.printJson({ error: { reason: "usage", text } });
  screen.notice(text);
  screen.notice("usage: tessera COMMAND [OPTION…] [ARGUMENT…]");
  screen.notice(`\`${["tessera", ...words.slice(0, count - 1), "--help"].join(" ")}\` lists the commands`);
  return 2;
}
