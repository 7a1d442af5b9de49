/**
 * What a command is: its words, its options and its action. The table of all commands is command-table.ts.
 */
import { ReadableError } from "../../errors/readable-error.js";
import type { Realm } from "../../realm/realm.js";
import type { RealmDirectory } from "../../realm/realm-directory.js";
import type { Configuration } from "../config/configuration.js";
import type { Screen } from "../screen/screen.js";
import type { Surroundings } from "./surroundings.js";

/** An option. With `value` it takes a value, shown as that word in the help; without, it is a switch. */
export interface OptionSpec {
  readonly help: string;
  readonly value?: string;
  readonly short?: string;
  /** It may be given several times. */
  readonly multiple?: boolean;
  /** Other long names, such as MIT's. */
  readonly aliases?: readonly string[];
  /**
   * Its key in `tessera.toml`, as `log.file`; by default its name in the section of the command. False: none.
   */
  readonly key?: string | false;
  /** The variable that stands for the key; by default made of it: `TESSERA_LOG_FILE`. */
  readonly variable?: string;
  /** What it is if nothing says so, for those who are shown all values. */
  readonly otherwise?: string;
}

/** The options of a command, by their long names. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The values of a command's options. */
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
  /** Runs another command line, and gives its exit code. */
  readonly run: (words: readonly string[], around: CommandSurroundings) => Promise<number>;
  /** All commands. */
  readonly commands: readonly CommandRow[];
  /** What the configuration says beyond the environment, where it was read. */
  readonly configuration?: Configuration | undefined;
  /** The realm that the commands of a batch share. */
  readonly openedRealm?: OpenedRealm | undefined;
}

/** A realm that is open, and its folder. */
export interface OpenedRealm {
  readonly realm: Realm;
  readonly directory: RealmDirectory;
}

/** What a command works on, and in which surroundings. */
export interface CommandInput<Specs extends OptionSpecs> extends CommandSurroundings {
  readonly options: OptionValues<Specs>;
  readonly positionals: readonly string[];
  /** Whether the result is wanted as JSON. */
  readonly json: boolean;
  /** The options as they would be by now, the configuration being read again. Throws as that is read. */
  readonly reread: () => Promise<OptionValues<Specs>>;
}

/** A command. */
export interface Command<Specs extends OptionSpecs = OptionSpecs> {
  /** As it is typed after `tessera`. */
  readonly name: string;
  /** What follows the name: one line for each form. */
  readonly usage: readonly string[];
  /** What it does, in whole sentences. */
  readonly description: string;
  readonly examples: readonly string[];
  readonly options: Specs;
  /** The section of `tessera.toml` in which its options are keys. */
  readonly section?: string;
  /** It works without the configuration, however wrong that is. */
  readonly isUnconfigured?: boolean;
  /**
   * Options of MIT's command that there are not here, by the names without a dash that people type, and what
   * to do instead.
   */
  readonly absent?: Readonly<Record<string, string>>;
  /** The least and the greatest number of arguments besides options. */
  readonly arguments: readonly [least: number, most: number];
  /** Words that an argument may be, where they are few: shells complete them. */
  readonly words?: readonly string[];
  /** Help on what the arguments name; undefined: the help of the command is shown. */
  helpOn?(subjects: readonly string[]): Promise<string | undefined>;
  /** Does the work. It fails by throwing; a number is the exit code instead of 0. */
  run(input: CommandInput<Specs>): Promise<number | undefined>;
}

/** A row of the table of commands: a command is loaded when it is run, or when its help is asked for. */
export interface CommandRow {
  /** As it is typed: one word, or two if the first is a group. */
  readonly name: string;
  /** Other names that MIT's people type. */
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** Defines a command, so that its types are checked. */
export function defineCommand<const Specs extends OptionSpecs>(command: Command<Specs>): Command {
  return command as unknown as Command;
}

/** Wrong usage: exit code 2. The text never repeats anything that could be a password. */
export class UsageError extends ReadableError {
  override readonly name = "UsageError";

  override get exitCode() {
    return 2;
  }
}

/** The command could not do what it was asked to: exit code 1. */
export class CommandError extends ReadableError {
  override readonly name = "CommandError";
  readonly #reason: string | undefined;

  /** @param reason in one word, for programs. */
  constructor(text: string, hint?: string, reason?: string) {
    super(text, { hint });
    this.#reason = reason;
  }

  override get facts() {
    return this.#reason === undefined ? {} : { reason: this.#reason };
  }
}
