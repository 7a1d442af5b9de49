/** What the exercise tells the server: the realm, the keys, the clock skew (docs/exercise.md). Done for you. */
import { readFileSync } from "node:fs";
import { Key } from "./encryption.js";

/** A version of a principal's long-term key. */
export interface LongTermKey {
  readonly kvno: number;
  readonly key: Key;
}

/** What the TGS knows. */
export interface Realm {
  /** Its own principal: `krbtgt/REALM@REALM`. */
  readonly tgs: string;
  /** How far clocks may be apart, in milliseconds. */
  readonly clockSkew: number;
  /** The keys of the TGS and of every service, by principal. */
  readonly keys: ReadonlyMap<string, LongTermKey>;
}

/** Reads the variables and the file of keys. */
export function readRealm(variables: NodeJS.ProcessEnv): Realm {
  const { EXERCISE_REALM: name, EXERCISE_KEYS: path, EXERCISE_CLOCK_SKEW: skew } = variables;
  if (!name || !path || !skew) throw new Error("run me by: tessera exercise tgs --cmd 'node dist/main.js'");
  const { keys } = JSON.parse(readFileSync(path, "utf8")) as {
    keys: { principal: string; kvno: number; key: string }[];
  };
  return {
    tgs: `krbtgt/${name}@${name}`,
    clockSkew: Number(skew) * 1000,
    keys: new Map(
      keys.map(({ principal, kvno, key }) => [principal, { kvno, key: new Key(Buffer.from(key, "hex")) }]),
    ),
  };
}
