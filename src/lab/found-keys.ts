/** The keys that open a trace: of a login's cache, of keytabs and of a password, by who holds them. */
import type { CachedLogin } from "../client/credential-cache.js";
import type { KeytabEntry } from "../formats/keytab.js";
import type { Key } from "../protocol/keys.js";
import { componentsOf, type Principal } from "../protocol/principal.js";
import { annotate } from "./bytes/annotate.js";
import { nodesOf } from "./bytes/found.js";
import type { CapturedCall } from "./capture.js";
import { DIALOGUE } from "./dialogue.js";
import type { KeyRings } from "./key-rings.js";
import type { NamedKey } from "./open-part.js";
import type { KeySymbol, Party } from "./parties.js";

/** Keys that somebody has at hand. */
export interface FoundKeys {
  /** Whose login it is and its tickets' keys; undefined: none. */
  readonly login: CachedLogin | undefined;
  readonly keytab: readonly KeytabEntry[];
  /** The client's own key, made of a password; undefined: none. */
  readonly client: Key | undefined;
}

/** All of them by name, for parts of which nobody knows whose they are. */
export function namedKeys({ login, keytab, client }: FoundKeys): NamedKey[] {
  return [
    ...(login?.credentials ?? []).map(({ server, key }) => ({
      name: `the session key for ${server}`,
      key,
      kvno: 0,
    })),
    ...keytab.map(({ principal, kvno, key }) => ({ name: `${principal}, kvno ${kvno}`, key, kvno })),
    ...(client === undefined ? [] : [{ name: "the client's key", key: client, kvno: 0 }]),
  ];
}

/** What each party holds before the first call. */
export function ringsOf({ keytab, client }: FoundKeys, calls: readonly CapturedCall[]): KeyRings {
  const name = clientOf(calls);
  const own = client ?? keytab.find(({ principal }) => principal === name)?.key;
  const isTgs = (principal: Principal) => componentsOf(principal)[0] === "krbtgt";
  const tgs = keytab.find(({ principal }) => isTgs(principal))?.key;
  const service = keytab.find(({ principal }) => principal !== name && !isTgs(principal))?.key;
  const ring = (symbol: KeySymbol, key: Key | undefined) =>
    new Map(key === undefined ? [] : [[symbol, key] as const]);
  const rings: KeyRings = new Map([["C", ring("K_c", own)]]);
  if (tgs !== undefined) for (const party of ["AS", "TGS"] as const) rings.set(party, ring("K_tgs", tgs));
  if (service !== undefined) rings.set("V" satisfies Party, ring("K_v", service));
  return rings;
}

/** Gives the client the session key of the ticket that a call presents, if its cache has it. */
export function giveSessionKey(rings: KeyRings, { login }: FoundKeys, call: CapturedCall): void {
  const row = DIALOGUE[call.path]?.request;
  if (row === undefined || row.number === 1) return;
  const server = fieldIn(call, "server");
  const key = login?.credentials.find((credentials) => credentials.server === server)?.key;
  if (key !== undefined) rings.get("C")?.set(row.number === 3 ? "K_c,tgs" : "K_c,v", key);
}

/** Who logs in, by the first AS-REQ; undefined if nobody does. */
export function clientOf(calls: readonly CapturedCall[]): string | undefined {
  const login = calls.find(({ path }) => DIALOGUE[path]?.request.number === 1);
  return login && fieldIn(login, "client");
}

/** What the first field of that name in a call's request says. */
function fieldIn(call: CapturedCall, wanted: string): string | undefined {
  const row = DIALOGUE[call.path]?.request;
  if (row === undefined) return undefined;
  const nodes = nodesOf(annotate(row.schema, call.request));
  return [...nodes].find(({ kind, name }) => kind === "field" && name === wanted)?.value;
}
