/** Checks a realm's folder. Changes nothing, unless told to mend what a wrong clock left. */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { krbtgtOf } from "../../protocol/principal.js";
import { openUnchecked } from "../../realm/open-realm.js";
import { openRealmDirectory, type RealmDirectory } from "../../realm/realm-directory.js";
import { examineStore } from "../../store/open-store.js";
import { postgresFacts } from "../../store/postgres/facts.js";
import { beginReplayCacheAnew, timesClosedAhead } from "../../store/replay/mend-replay-cache.js";
import { StoreError } from "../../store/store-error.js";
import { describeFailure } from "../frame/failure.js";
import { counted } from "../screen/counted.js";
import type { Screen } from "../screen/screen.js";
import { localTime } from "../screen/times.js";
import { weakNames } from "../screen/weakness.js";
import { readKeytab } from "../session/keytab.js";
import type { Finding } from "./finding.js";

/** How a realm's folder is checked. */
export interface FolderCheck {
  readonly screen: Screen;
  readonly now: number;
  readonly mend: boolean;
}

/** Checks a realm's folder: who can read it, its databases, the replay cache, V's keytab. */
export async function checkRealmFolder(dir: string, { screen, now, mend }: FolderCheck): Promise<Finding[]> {
  const found: Finding[] = [];
  try {
    const realm = await openRealmDirectory(dir);
    const { settings } = realm;
    const weak = weakNames(settings.profile);
    const text = `${settings.realm}, profile ${settings.profile}, in ${dir}`;
    found.push({ check: "realm", state: "ok", text });
    if (weak !== "")
      found.push({
        check: "profile",
        state: "note",
        text: `permits weak encryption (${weak}): for learning`,
      });
    found.push(...(await openToOthers(dir)));
    const ofServer = await checkServerOf(realm);
    found.push(...ofServer);
    if (ofServer.some(({ state }) => state === "bad")) return found;
    const damaged = await checkDatabases(realm);
    found.push(...damaged);
    if (damaged.some(({ state }) => state === "bad")) return found;
    found.push(...(await checkReplayCache(realm, now, mend)));
    const { principals } = await openUnchecked(realm);
    try {
      let count = 0;
      for await (const _ of principals.list()) count++;
      const tgs = await principals.get(krbtgtOf(settings.realm));
      found.push(
        tgs === undefined
          ? {
              check: "principals",
              state: "bad",
              text: "the realm has no TGS principal",
              hint: "restore a backup",
            }
          : { check: "principals", state: "ok", text: `${count}, every record opens` },
      );
    } finally {
      await principals.close();
    }
    const keys = await readKeytab(realm.keytabFile, screen);
    found.push({
      check: "keytab",
      state: "ok",
      text: `${counted(keys.length, "key")} in ${realm.keytabFile}`,
    });
  } catch (error) {
    const missing = (error as { code?: unknown }).code === "missing";
    const { text, hint } = describeFailure(error);
    // A machine that has clients only has no realm: nothing is wrong with that.
    found.push({ check: "realm", state: missing && found.length === 0 ? "note" : "bad", text, hint });
  }
  return found;
}

/** What there is to say of the PostgreSQL that keeps the principals, where one does. */
async function checkServerOf({ settings, principals }: RealmDirectory): Promise<Finding[]> {
  if (settings.database === undefined) return [];
  try {
    const { text, version, standbys, synchronous } = await postgresFacts(principals);
    const waits = `standbys ${standbys}, waited for ${synchronous}`;
    const ok: Finding = { check: "database", state: "ok", text: `${text}: primary, ${version}, ${waits}` };
    if (synchronous > 0) return [ok];
    return [
      ok,
      {
        check: "database",
        state: "note",
        text: "a change is acknowledged before a standby has it: a failover may lose the last ones",
        hint: "set synchronous_standby_names there",
      },
    ];
  } catch (error) {
    const { text, hint } = describeFailure(error);
    return [{ check: "database", state: "bad", text, hint }];
  }
}

/** Reads the databases of the realm, each in a process of its own: damage can end the one that meets it. */
async function checkDatabases(realm: RealmDirectory): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const part of DATABASES) {
    const damage = await examineStore(realm[part]);
    const hint =
      part === "replayCache"
        ? "stop the servers, wait twice the clock skew, empty this folder"
        : "restore a backup";
    if (damage !== undefined)
      found.push({ check: "database", state: "bad", text: `${realm[part]}: ${damage}`, hint });
  }
  if (found.length > 0) return found;
  return [{ check: "database", state: "ok", text: "principals, notes and replay: every record can be read" }];
}

/** What a clock that was ahead has left behind: times from which V will take nothing. */
async function checkReplayCache(
  { replayCache, settings: { clockSkew }, dir }: RealmDirectory,
  now: number,
  mend: boolean,
): Promise<Finding[]> {
  if ((await readdir(join(dir, "replay"))).length === 0) return [];
  const anew = async (): Promise<Finding[]> => {
    await beginReplayCacheAnew(replayCache, clockSkew, now);
    const text = `begun anew: V takes calls that are made after ${localTime(now + clockSkew)}`;
    return [{ check: "replay", state: "note", text }];
  };
  const hint =
    "tessera doctor --mend; first tessera kadmin ktadd for V, if tickets made by then may still be good";
  try {
    const ahead = await timesClosedAhead(replayCache, clockSkew, now);
    if (ahead.length > 0 && mend) return anew();
    return ahead.map(({ from, through }) => ({
      check: "replay",
      state: from <= now + clockSkew ? "bad" : "note",
      text:
        "this machine's clock was once ahead: V takes nothing made from " +
        `${from === Number.NEGATIVE_INFINITY ? "any time" : localTime(from)} to ${localTime(through)}`,
      hint,
    }));
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "corrupt") throw error;
    if (mend) return anew();
    return [{ check: "replay", state: "bad", text: error.message, hint: "tessera doctor --mend" }];
  }
}

const DATABASES = ["principals", "notes", "replayCache"] as const;

/** Finds files of the realm that somebody else could read. */
async function openToOthers(dir: string): Promise<Finding[]> {
  const names = await readdir(dir, { recursive: true });
  const found: Finding[] = [];
  for (const name of names) {
    const path = join(dir, name);
    const { mode } = await lstat(path);
    if ((mode & 0o077) !== 0 && name !== "realm.json" && !/\.mdb$/.test(name))
      found.push({
        check: "files",
        state: "bad",
        text: `${path}: open to others`,
        hint: `chmod go= ${path}`,
      });
  }
  return found;
}
