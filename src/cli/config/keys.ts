/**
 * The keys of `tessera.toml`: every option of `serve`, and what clients are told. One table, which the file
 * is checked against, from which `config show` prints, and which the documentation is held to.
 */
import { command as serve } from "../commands/serve.js";
import type { OptionSpec } from "../frame/command.js";
import { CLIENT_OPTIONS } from "../options/client-options.js";
import { KDC_OPTIONS } from "../options/kdc-choice.js";
import { keyOf, variableOf } from "./option-keys.js";

/** A key. */
export interface ConfigKey {
  readonly section: string;
  readonly name: string;
  /** The option that goes before it, with what precedes its value; undefined: none. */
  readonly flag: string | undefined;
  /** The variable that goes before it. */
  readonly variable: string;
  /** The word for its value (forms.ts); undefined: it is true or false. */
  readonly value: string | undefined;
  /** Whether it may be a list. */
  readonly isList: boolean;
  readonly help: string;
  /** What it is if nothing says so, where that is one value. */
  readonly otherwise: string | undefined;
  /** Whether its file is made where there is none. */
  readonly isMade: boolean;
}

/** The section with a table for each realm. */
export const REALMS = "realms";

/** All keys; those of `realms` stand in the table of each realm. */
export const CONFIG_KEYS: readonly ConfigKey[] = [
  keyFor("server.dir", "dir", {
    value: "DIR",
    help: "the realm's folder, for all commands that work on it",
    variable: "TESSERA_REALM_DIR",
  }),
  ...keysOf(serve.options, serve.section),
  keyFor("client.realm", undefined, {
    value: "REALM",
    help: "the realm of names that are typed without one",
    variable: "TESSERA_REALM",
  }),
  keyFor("client.cache", "cache", {
    value: "FILE",
    help: "the credential cache",
    variable: "TESSERA_CCACHE",
    otherwise: `/tmp/tesseracc_${process.getuid?.() ?? "user"}`,
  }),
  keyFor("realms.kdc", "kdc", { ...KDC_OPTIONS.kdc, variable: "TESSERA_KDC", help: "the realm's KDCs" }),
  keyFor("realms.dns", "kdc dns", {
    help: "whether DNS is asked for the realm's KDCs",
    variable: "TESSERA_KDC=dns",
  }),
  ...keysOf(CLIENT_OPTIONS),
];

/** The sections of the file. */
export const SECTIONS: readonly string[] = [...new Set(CONFIG_KEYS.map(({ section }) => section))];

function keysOf(options: Readonly<Record<string, OptionSpec>>, section?: string): ConfigKey[] {
  return Object.entries(options).flatMap(([name, spec]) => {
    const key = keyOf(name, spec, section);
    return key === undefined ? [] : [keyFor(key, name, spec)];
  });
}

function keyFor(key: string, option: string | undefined, spec: OptionSpec): ConfigKey {
  const [section = "", name = ""] = key.split(".");
  return {
    section,
    name,
    flag: option === undefined ? undefined : `--${option}`,
    variable: variableOf(key, spec),
    value: spec.value,
    isList: spec.multiple ?? false,
    help: spec.help,
    otherwise: spec.otherwise ?? (spec.value === undefined ? "false" : undefined),
    isMade: ["log.file", "client.cache"].includes(key),
  };
}
