/** What a command is: its words, its options and what it does. The table of all commands is command-table.ts. */
import { ReadableError } from "../../errors/readable-error.js";
import type { Screen } from "../screen/screen.js";
import type { Surroundings } from "./surroundings.js";

/** An option. With `value` it takes one and the word stands for it in the help; without, it is a switch. */
export interface OptionSpec {
  readonly help: string;
  readonly value?: string;
  readonly short?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  /** Other long names, such as MIT's. */
  readonly aliases?: readonly string[];
}

/** The options of a command by their long names. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** What the options of a command come to. */
export type OptionValues<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends { readonly value: string }
    ? Specs[Name] extends { readonly multiple: true }
      ? readonly string[]
      : string | undefined
    : boolean;
};

/** What a command finds around itself: as `run` was given it, with one screen for both outputs. */
export interface CommandSurroundings extends Omit<Surroundings, "stdout" | "stderr"> {
  readonly screen: Screen;
}

/** What a command works on, and in which surroundings. */
export interface CommandInput<Specs extends OptionSpecs> extends CommandSurroundings {
  readonly options: OptionValues<Specs>;
  readonly positionals: readonly string[];
  /** The result is wanted as JSON. */
  readonly json: boolean;
}

/** A command. */
export interface Command<Specs extends OptionSpecs = OptionSpecs> {
  /** As it is typed after `tessera`. */
  readonly name: string;
  /** What follows the name, a line a form. */
  readonly usage: readonly string[];
  /** What it does, in whole sentences. */
  readonly description: string;
  readonly examples: readonly string[];
  readonly options: Specs;
  /** Fewest and most arguments that are no options. */
  readonly arguments: readonly [least: number, most: number];
  /** The help on what its arguments name, where there is some; otherwise the help of the command. */
  helpOn?(subjects: readonly string[]): Promise<string | undefined>;
  /** Does it. Throws to fail; a number is the exit code where 0 would be wrong. */
  run(input: CommandInput<Specs>): Promise<number | undefined>;
}

/** Checks a command's types where it is defined. */
export function defineCommand<const Specs extends OptionSpecs>(command: Command<Specs>): Command {
  return command as unknown as Command;
}

/** The command was typed wrongly: exit code 2. The text never repeats what could be a password. */
export class UsageError extends ReadableError {
  override readonly name = "UsageError";

  override get exitCode() {
    return 2;
  }
}

/** The command could not do what it was asked: exit code 1. */
export class CommandError extends ReadableError {
  override readonly name = "CommandError";

  constructor(text: string, hint?: string) {
    super(text, { hint });
  }
}
