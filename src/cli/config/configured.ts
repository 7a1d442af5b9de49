/**
 * A command's options as flags, environment and configuration give them, in this order: the file's values
 * become variables where the environment has none, and variables become options that were not typed.
 */
import type { Command, CommandSurroundings, OptionSpec } from "../frame/command.js";
import type { Environment } from "../frame/surroundings.js";
import { type Configuration, NO_CONFIGURATION } from "./configuration.js";
import { keyOf, variableOf } from "./option-keys.js";
import { configurationFile } from "./places.js";

/** Options by name, as they were typed or are to be used. */
export type TypedOptions = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** The options of a command, and its surroundings with the configuration in them. */
export interface Configured {
  readonly options: TypedOptions;
  readonly around: CommandSurroundings;
}

/**
 * Reads the configuration, unless it was read before, and completes what was typed.
 * @throws CommandError for a configuration with a fault; UsageError for a variable that makes no sense.
 */
export async function configured(
  command: Command,
  typed: TypedOptions,
  around: CommandSurroundings,
): Promise<Configured> {
  if (command.isUnconfigured) return { options: typed, around };
  const configuration = around.configuration ?? (await readConfiguration(around.env));
  const env = { ...configuration.variables, ...onlySet(around.env) };
  return { options: await completed(command, typed, env), around: { ...around, env, configuration } };
}

/** The configuration of this machine. Throws CommandError for one with a fault. */
async function readConfiguration(env: Environment): Promise<Configuration> {
  const path = configurationFile(env);
  if (path === undefined) return NO_CONFIGURATION;
  const { faultless, readFile } = await import("./read.js");
  return faultless(await readFile(path));
}

async function completed(command: Command, typed: TypedOptions, env: Environment): Promise<TypedOptions> {
  const options = { ...typed };
  for (const [name, spec] of Object.entries(command.options)) {
    const key = keyOf(name, spec, command.section);
    if (key === undefined || isTyped(typed[name])) continue;
    const variable = variableOf(key, spec);
    const text = env[variable];
    if (text !== undefined && text !== "") options[name] = await valueFrom(text, spec, variable);
  }
  return options;
}

function isTyped(value: TypedOptions[string]): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

async function valueFrom(text: string, spec: OptionSpec, variable: string) {
  const { checkTexts, switchOf, wordsIn } = await import("./forms.js");
  if (spec.value === undefined) return switchOf(text, variable);
  const texts = spec.multiple ? wordsIn(text) : [text];
  checkTexts(texts, spec.value, variable);
  return spec.multiple ? texts : text;
}

function onlySet(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
}
