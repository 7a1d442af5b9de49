/** `tessera doctor --realm` looks at keys: how old those of the TGS are, and what is near its end. */

import { keyRetention } from "../../protocol/policy.js";
import { krbtgtOf } from "../../protocol/principal.js";
import { currentKvno, keyEnd, type PrincipalEntry, usableKeys } from "../../protocol/principal-entry.js";
import { openRealm } from "../../realm/open-realm.js";
import type { Realm } from "../../realm/realm.js";
import type { RealmDirectory } from "../../realm/realm-directory.js";
import { describeFailure } from "../frame/failure.js";
import { counted } from "../screen/counted.js";
import type { Screen } from "../screen/screen.js";
import { localTime } from "../screen/times.js";
import { readKeytab } from "../session/keytab.js";
import { DAY_MS, type Finding, stateUntil, timeLeft } from "./finding.js";

/** From this age on the TGS's keys are worth a change, in milliseconds. */
const OLD_MS = 180 * DAY_MS;
/** The most principals that are named. */
const NAMED = 5;

/** Looks at the keys of a realm whose folder is on this machine. Does not throw. */
export async function checkKeys(directory: RealmDirectory, now: number, screen: Screen): Promise<Finding[]> {
  try {
    const realm = await openRealm(directory);
    try {
      return [
        ...(await tgsKeys(realm, now)),
        ...(await endings(realm, now)),
        ...(await keytabKeys(realm, directory, screen)),
      ];
    } finally {
      await realm.close();
    }
  } catch (error) {
    return [{ check: "keys", state: "bad", ...describeFailure(error) }];
  }
}

async function tgsKeys(realm: Realm, now: number): Promise<Finding[]> {
  const entry = (await realm.principals.get(krbtgtOf(realm.settings.realm)))!;
  const retention = keyRetention(realm.policy);
  const older = usableKeys(entry, now, retention).filter(({ kvno }) => kvno !== currentKvno(entry));
  const ends = older.map((key) => `kvno ${key.kvno} until ${localTime(keyEnd(entry, key, retention)!)}`);
  const isOld = now - entry.keysChangedAt > OLD_MS;
  const days = Math.floor((now - entry.keysChangedAt) / DAY_MS);
  const age = `${entry.principal}: kvno ${currentKvno(entry)}, ${counted(days, "day")} old`;
  return [
    {
      check: "keys",
      state: isOld ? "note" : "ok",
      text: [age, ...new Set(ends)].join("; "),
      hint: isOld ? `tessera kadmin cpw -randkey ${entry.principal}` : undefined,
    },
  ];
}

/** Services whose life, or password, ends soon: from then on nobody gets a ticket for them. */
async function endings(realm: Realm, now: number): Promise<Finding[]> {
  const ending: { readonly entry: PrincipalEntry; readonly end: number }[] = [];
  for await (const entry of realm.principals.list()) {
    if (entry.passwordKeyed) continue;
    const end = Math.min(entry.expiresAt ?? Infinity, entry.passwordExpiresAt ?? Infinity);
    if (stateUntil(end, now) !== "ok") ending.push({ entry, end });
  }
  ending.sort((a, b) => a.end - b.end);
  const found: Finding[] = ending.slice(0, NAMED).map(({ entry: { principal }, end }) => ({
    check: "ends",
    state: stateUntil(end, now),
    text: `${principal}: ${timeLeft(end, now)}, until ${localTime(end)}`,
    hint: `tessera kadmin modprinc --expire none ${principal}, or another date`,
  }));
  if (ending.length > NAMED)
    found.push({ check: "ends", state: "note", text: `${ending.length - NAMED} more end within two weeks` });
  return found;
}

/** Whether the keytab in the realm's folder has the keys that the realm issues tickets under. */
async function keytabKeys(realm: Realm, { keytabFile }: RealmDirectory, screen: Screen): Promise<Finding[]> {
  const newest = new Map<string, number>();
  for (const { principal, kvno } of await readKeytab(keytabFile, screen))
    newest.set(principal, Math.max(kvno, newest.get(principal) ?? 0));
  const found: Finding[] = [];
  for (const [principal, kvno] of newest) {
    const entry = await realm.principals.get(principal as PrincipalEntry["principal"]);
    const current = entry && currentKvno(entry);
    const text = `${principal}: kvno ${kvno} in ${keytabFile}, ${current ?? "none"} in the realm`;
    if (current === kvno) found.push({ check: "keytab", state: "ok", text });
    else
      found.push({
        check: "keytab",
        state: "bad",
        text,
        hint: `tessera kadmin ktadd -k ${keytabFile} ${principal}`,
      });
  }
  return found;
}
