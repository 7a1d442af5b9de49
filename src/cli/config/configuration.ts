/** What `tessera.toml` says, as commands take it. */
import type { Environment } from "../frame/surroundings.js";

/** What there is to say of a realm, by key; each value as texts, of which most keys have one. */
export type RealmConfiguration = Readonly<Record<string, readonly string[] | undefined>>;

/** A configuration that holds no fault. */
export interface Configuration {
  /** The file; undefined: there is none. */
  readonly path: string | undefined;
  /** The variables that it stands for, where the environment has none of its own. */
  readonly variables: Environment;
  /** By the realm's name. */
  readonly realms: ReadonlyMap<string, RealmConfiguration>;
}

/** That of a machine without the file. */
export const NO_CONFIGURATION: Configuration = { path: undefined, variables: {}, realms: new Map() };
