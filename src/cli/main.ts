#!/usr/bin/env node
/** The `tessera` command: finds the command, runs it, and turns what it throws into text and an exit code. */
import { ReadableError } from "../errors/readable-error.js";
import { NO_PASSWORD_ARGUMENTS, parseArguments } from "./frame/arguments.js";
import { type Command, UsageError } from "./frame/command.js";
import { COMMANDS, type CommandRow } from "./frame/command-table.js";
import { commandHelp, groupHelp, programHelp, usageLines } from "./frame/help.js";
import { nearest } from "./frame/nearest.js";
import { endWithReader, notice, printJson, printLine } from "./screen/output.js";
import { version } from "./version.js";

endWithReader();
process.exitCode = await main(process.argv.slice(2));

/** Runs the words of a command line and gives the exit code. */
async function main(words: readonly string[]): Promise<number> {
  const [first, second] = words;
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    printLine(programHelp());
    return first === undefined ? 2 : 0;
  }
  if (first === "--version" || first === "-V") {
    printLine(`tessera ${version()}`);
    return 0;
  }
  const single = COMMANDS.find(({ name }) => name === first);
  if (single !== undefined) return runCommand(single, words.slice(1));
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length === 0) return unknownCommand(first, COMMANDS, "tessera --help");
  if (second === undefined || second === "--help" || second === "-h") {
    printLine(groupHelp(first, group));
    return second === undefined ? 2 : 0;
  }
  const row = group.find(({ name }) => name === `${first} ${second}`);
  if (row === undefined) return unknownCommand(`${first} ${second}`, group, `tessera ${first} --help`);
  return runCommand(row, words.slice(2));
}

async function runCommand(row: CommandRow, words: readonly string[]): Promise<number> {
  const { command } = await row.load();
  // A request for help comes before whatever else is wrong with the line.
  const end = words.indexOf("--");
  const wantsHelp = (end < 0 ? words : words.slice(0, end)).some(
    (word) => word === "--help" || word === "-h",
  );
  if (wantsHelp) {
    const subjects = words.filter((word) => !word.startsWith("-"));
    printLine((await command.helpOn?.(subjects)) ?? commandHelp(command));
    return 0;
  }
  let json = false;
  try {
    const { options, positionals } = parseArguments(words, command.options);
    json = options.json === true;
    checkCount(command, positionals.length);
    return (await command.run({ options: options as never, positionals, json })) ?? 0;
  } catch (error) {
    const exitCode = error instanceof ReadableError ? error.exitCode : 1;
    if (exitCode === 2) return wrongUsage(command, (error as Error).message);
    const { describeFailure } = await import("./frame/failure.js");
    const failure = describeFailure(error);
    if (json) printJson({ error: failure.facts });
    notice(failure.text);
    if (failure.compared !== undefined) notice(`compared: ${failure.compared}`);
    if (failure.hint !== undefined) process.stderr.write(`hint: ${failure.hint}\n`);
    return exitCode;
  }
}

function checkCount(command: Command, count: number): void {
  const [least, most] = command.arguments;
  if (count < least) throw new UsageError("an argument is missing");
  if (count <= most) return;
  // The arguments are not repeated: one of them may be a password.
  const takesPassword = "password-stdin" in command.options;
  throw new UsageError(
    `too many arguments: at most ${most}, got ${count}${takesPassword ? `; if one is a password: ${NO_PASSWORD_ARGUMENTS}` : ""}`,
  );
}

function wrongUsage(command: Command, text: string): number {
  notice(`${command.name}: ${text}`);
  notice(usageLines(command).join("\n"));
  notice(`\`tessera ${command.name} --help\` shows options and examples`);
  return 2;
}

function unknownCommand(typed: string, rows: readonly CommandRow[], help: string): number {
  const names = rows.flatMap(({ name }) => [name, name.split(" ")[0]!]);
  const near = nearest(typed, names);
  notice(`unknown command: ${typed}${near === undefined ? "" : `; did you mean \`tessera ${near}\`?`}`);
  notice("usage: tessera COMMAND [OPTION…] [ARGUMENT…]");
  notice(`\`${help}\` lists the commands`);
  return 2;
}
