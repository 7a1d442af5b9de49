/** A `tessera.toml` with every key, all of them commented out. */
import { formOf } from "./forms.js";
import { CONFIG_KEYS, type ConfigKey, REALMS, SECTIONS } from "./keys.js";

const HEAD = [
  "# tessera.toml: every key, commented out, with its default or an example of a value.",
  "# A variable goes before this file, an option before both. Paths begin at this file's folder.",
  "# Look at what you have made of it with: tessera config check FILE",
];

/** The lines of the file. Without the `#` before it, each key's line holds no fault. */
export function exampleLines(): readonly string[] {
  return [...HEAD, ...SECTIONS.flatMap(sectionLines)];
}

function sectionLines(section: string): readonly string[] {
  const keys = CONFIG_KEYS.filter((key) => key.section === section);
  const head =
    section === REALMS ? ["# A table for each realm:", '#[realms."EXAMPLE.ORG"]'] : [`[${section}]`];
  return ["", ...head, ...keys.flatMap(keyLines)];
}

function keyLines(key: ConfigKey): readonly string[] {
  const names = [key.flag, key.variable].filter((name) => name !== undefined).join(", ");
  return ["", `# ${key.help}`, `# ${names}`, `#${key.name} = ${sampleOf(key)}`];
}

function sampleOf({ value, otherwise }: ConfigKey): string {
  if (value === undefined) return otherwise ?? "false";
  const { example = value, isNumber } = formOf(value);
  const text = otherwise ?? example;
  return isNumber && /^\d+$/.test(text) ? text : JSON.stringify(text);
}
