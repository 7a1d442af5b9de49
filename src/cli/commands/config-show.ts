/** `tessera config show`: prints what the configuration comes to, and where each value is from. */
import { configurationFile } from "../config/places.js";
import { defineCommand } from "../frame/command.js";
import type { Environment } from "../frame/surroundings.js";
import { columns } from "../screen/layout.js";

export const command = defineCommand({
  name: "config show",
  usage: [""],
  description:
    "Prints every key of tessera.toml with its value, and where that is from: a variable, a line of the " +
    "file, or the default. An option of a command goes before all of them. Passwords in addresses are left " +
    "out.",
  examples: ["tessera config show", "tessera config show --json"],
  options: {},
  isUnconfigured: true,
  arguments: [0, 0],
  run: async ({ json, env, screen }) => {
    const { CONFIG_KEYS, REALMS } = await import("../config/keys.js");
    const { faultless, readFile } = await import("../config/read.js");
    const path = configurationFile(env);
    const file = path === undefined ? undefined : await readFile(path);
    if (file !== undefined) faultless(file);
    const entries = file?.entries ?? [];
    const values: ShownValue[] = [];
    for (const key of CONFIG_KEYS.filter(({ section }) => section !== REALMS)) {
      const name = `${key.section}.${key.name}`;
      const entry = entries.find((one) => one.key === key);
      values.push(
        fromEnvironment(name, key.variable, env) ??
          (entry === undefined
            ? { key: name, value: key.otherwise, from: "default" }
            : { key: name, value: shown(entry.texts.join(" ")), from: `${path}:${entry.line}` }),
      );
    }
    for (const { key, realm, texts, line } of entries) {
      if (realm === undefined) continue;
      const name = `${REALMS}."${realm}".${key.name}`;
      const value = { key: name, value: shown(texts.join(" ")), from: `${path}:${line}` };
      values.push(fromEnvironment(name, key.variable, env) ?? value);
    }
    if (json) {
      const known = values.map(({ key, value, from }) => ({ key, value: value ?? null, from }));
      screen.printJson({ file: path ?? null, values: known });
    } else screen.printAll(columns(values.map(({ key, value, from }) => [key, value ?? "-", from])));
    return undefined;
  },
});

/** A value, and where it is from. */
interface ShownValue {
  readonly key: string;
  /** Undefined: it depends. */
  readonly value: string | undefined;
  readonly from: string;
}

function fromEnvironment(key: string, variable: string, env: Environment): ShownValue | undefined {
  const text = env[variable];
  return text === undefined || text === "" ? undefined : { key, value: shown(text), from: variable };
}

/** A value without the password that an address may hold. */
function shown(text: string): string {
  return text.replace(/(\/\/[^/@\s:]*):[^/@\s]*@/g, "$1:…@");
}
