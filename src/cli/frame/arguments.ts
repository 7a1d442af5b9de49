/**
 * Turns the words of a command line into a command's options. MIT's single dash (`-randkey`) is accepted too.
 */
import { parseArgs } from "node:util";
import { nearest } from "../../errors/nearest.js";
import { type OptionSpecs, UsageError } from "./command.js";

/** The options that every command has. */
export const COMMON_OPTIONS = {
  json: { help: "print the result as JSON" },
  help: { short: "h", help: "show this help" },
} as const satisfies OptionSpecs;

/** What was typed. */
export interface ParsedArguments {
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
}

/** Options that take a password in other programs. None is accepted here, and no value is ever repeated. */
const PASSWORD_OPTIONS = ["password", "passwd", "pass", "pw", "passphrase", "secret"];

/** The answer to a password on the command line. */
export const NO_PASSWORD_ARGUMENTS =
  "a password is never taken from the command line, where the shell's history and every user of the " +
  "machine see it; leave it out to be asked for it, or use --password-file FILE or --password-stdin";

/**
 * Reads the words after a command's name.
 * @throws UsageError for an unknown option (naming the nearest known one), a missing value or one too many.
 */
export function parseArguments(
  words: readonly string[],
  specs: OptionSpecs,
  absent: Readonly<Record<string, string>> = {},
): ParsedArguments {
  const all: OptionSpecs = { ...specs, ...COMMON_OPTIONS };
  refuseAbsent(words, absent);
  const { tokens, positionals } = parseArgs({
    args: normalised(words, all),
    options: Object.fromEntries(
      Object.entries(all).map(([name, { value, short, multiple }]) => [
        name,
        {
          type: value === undefined ? ("boolean" as const) : ("string" as const),
          ...(short === undefined ? {} : { short }),
          ...(multiple ? { multiple } : {}),
        },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options: Record<string, string | boolean | string[] | undefined> = {};
  for (const [name, spec] of Object.entries(all))
    options[name] = spec.value === undefined ? false : spec.multiple ? [] : undefined;
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const spec = Object.hasOwn(all, token.name) ? all[token.name] : undefined;
    if (spec === undefined) throw absentOr(token.name, absent, unknownOption(token.name, token.rawName, all));
    if (spec.value === undefined) {
      if (token.value !== undefined) throw new UsageError(`--${token.name} takes no value`);
      options[token.name] = true;
      continue;
    }
    const value = optionValue(token.rawName, spec.value, token.value, token.inlineValue ?? false);
    const previous = options[token.name];
    if (Array.isArray(previous)) previous.push(value);
    else if (previous !== undefined) throw new UsageError(`${token.rawName}: given twice`);
    else options[token.name] = value;
  }
  return { options, positionals };
}

/** Refuses MIT's long names, and flags such as `+requires_preauth`, which parseArgs would take apart. */
function refuseAbsent(words: readonly string[], absent: Readonly<Record<string, string>>): void {
  const end = words.indexOf("--");
  for (const word of end < 0 ? words : words.slice(0, end)) {
    const [, name] = /^(?:--?|\+)([A-Za-z][A-Za-z0-9_-]+)(?:=.*)?$/su.exec(word) ?? [];
    if (name !== undefined && Object.hasOwn(absent, name)) throw absentOption(name, absent);
  }
}

function absentOr(name: string, absent: Readonly<Record<string, string>>, otherwise: UsageError): UsageError {
  return Object.hasOwn(absent, name) ? absentOption(name, absent) : otherwise;
}

function absentOption(name: string, absent: Readonly<Record<string, string>>): UsageError {
  return new UsageError(`there is no option -${name} here: ${absent[name]}`);
}

function optionValue(rawName: string, word: string, value: string | undefined, inline: boolean): string {
  if (value === undefined || value === "") throw new UsageError(`${rawName} needs a value: ${word}`);
  const looksLikeOption = value.startsWith("-") && value.length > 1 && !/^-\d/.test(value);
  if (!inline && looksLikeOption)
    throw new UsageError(
      `${rawName} needs a value: ${word}; one that begins with - is given as ${rawName}=…`,
    );
  return value;
}

/**
 * Turns every name of an option, `-randkey` too, into `--randkey`; refuses passwords before any text repeats
 * them.
 */
function normalised(words: readonly string[], specs: OptionSpecs): string[] {
  const names = new Map<string, string>();
  for (const [name, { aliases = [] }] of Object.entries(specs))
    for (const alias of [name, ...aliases]) names.set(alias, name);
  const end = words.indexOf("--");
  return words.map((word, index) => {
    if (end >= 0 && index >= end) return word;
    const [, dashes, name = "", rest = ""] = /^(--?)([A-Za-z][A-Za-z0-9-]+)(=.*)?$/su.exec(word) ?? [];
    if (dashes === undefined) return word;
    if (PASSWORD_OPTIONS.includes(name)) throw new UsageError(NO_PASSWORD_ARGUMENTS);
    const known = names.get(name);
    return known === undefined ? word : `--${known}${rest}`;
  });
}

function unknownOption(name: string, rawName: string, specs: OptionSpecs): UsageError {
  const near = name.length > 1 ? nearest(name, Object.keys(specs)) : undefined;
  const meansPassword =
    near === undefined && name.length > 3 && nearest(name, PASSWORD_OPTIONS) !== undefined;
  if (meansPassword && "password-stdin" in specs) return new UsageError(NO_PASSWORD_ARGUMENTS);
  return new UsageError(`unknown option ${rawName}${near === undefined ? "" : `; did you mean --${near}?`}`);
}
