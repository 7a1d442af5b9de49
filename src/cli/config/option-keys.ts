/** Which option stands for which key of `tessera.toml`, and for which variable. */
import type { OptionSpec } from "../frame/command.js";

/** The key of an option, `section.name`; undefined: it has none. */
export function keyOf(name: string, { key }: OptionSpec, section: string | undefined): string | undefined {
  if (key === false) return undefined;
  return key ?? (section === undefined ? undefined : `${section}.${name}`);
}

/** The variable of a key: `TESSERA_SERVER_AS_PORT`, unless the option names another. */
export function variableOf(key: string, { variable }: Pick<OptionSpec, "variable">): string {
  return variable ?? `TESSERA_${key.toUpperCase().replaceAll(/[.-]/g, "_")}`;
}
