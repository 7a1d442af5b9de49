/** A principal's entry as it is shown: without keys and salts. */
import { formatDuration } from "../../protocol/duration.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import type { LongTermKey } from "../../protocol/keys.js";
import { keyRetention } from "../../protocol/policy.js";
import { currentKvno, keyEnd, type PrincipalEntry } from "../../protocol/principal-entry.js";
import type { Realm } from "../../realm/realm.js";
import type { LoginRecord } from "../../store/attempts/login-attempts.js";
import { localTime } from "./times.js";

/** An entry for JSON, with its logins where they are asked for. */
export function entryFacts(
  entry: PrincipalEntry,
  { policy }: Realm,
  logins?: LoginRecord,
): Record<string, unknown> {
  const retention = keyRetention(policy);
  const time = (ms: number | undefined) => (ms === undefined ? undefined : isoTime(ms));
  return {
    principal: entry.principal,
    kind: kindOf(entry),
    disabled: entry.disabled,
    expires: time(entry.expiresAt),
    passwordExpires: time(entry.passwordExpiresAt),
    maxLifeMs: entry.maxLife,
    maxRenewableLifeMs: entry.maxRenewableLife,
    created: isoTime(entry.createdAt),
    modified: isoTime(entry.modifiedAt),
    keysChanged: isoTime(entry.keysChangedAt),
    kvno: currentKvno(entry),
    tgtsFrom: isoTime(entry.tgtsFrom),
    keys: entry.keys.map((key) => ({
      kvno: key.kvno,
      etype: key.key.etype.name,
      weak: key.key.etype.weak,
      goodUntil: time(keyEnd(entry, key, retention)),
    })),
    ...(logins && {
      lastLogin: time(logins.lastLogin),
      lastFailedLogin: time(logins.lastFailure),
      failedLogins: logins.failures,
    }),
  };
}

/** What is known of a principal's logins, as rows for a person. */
export function loginRows({ lastLogin, lastFailure, failures }: LoginRecord): string[][] {
  const time = (ms: number | undefined) => (ms === undefined ? "none known" : localTime(ms));
  return [
    ["Last login:", time(lastLogin)],
    ["Last failure:", time(lastFailure)],
    ["Failures:", `${failures} since the last login`],
  ];
}

/** An entry as rows for a person. */
export function entryRows(entry: PrincipalEntry, { policy }: Realm, now: number): string[][] {
  const retention = keyRetention(policy);
  const time = (ms: number | undefined) => (ms === undefined ? "never" : localTime(ms));
  const span = (ms: number | undefined) => (ms === undefined ? "the realm's limit" : formatDuration(ms));
  return [
    ["Principal:", entry.principal],
    ["Kind:", kindOf(entry)],
    ["State:", entry.disabled ? "disabled" : "active"],
    ["Expires:", time(entry.expiresAt)],
    ["Password expires:", time(entry.passwordExpiresAt)],
    ["Longest ticket:", span(entry.maxLife)],
    ["Renewable for:", span(entry.maxRenewableLife)],
    ["Created:", localTime(entry.createdAt)],
    ["Modified:", localTime(entry.modifiedAt)],
    ["Keys changed:", localTime(entry.keysChangedAt)],
    ["Logins since:", localTime(entry.tgtsFrom)],
    ...entry.keys.map((key) => ["Key:", `${keyWords(key)}${endWords(keyEnd(entry, key, retention), now)}`]),
  ];
}

function keyWords({ kvno, key }: LongTermKey): string {
  return `kvno ${kvno}, ${key.etype.name}${key.etype.weak ? " (weak)" : ""}`;
}

function endWords(end: number | undefined, now: number): string {
  if (end === undefined) return "";
  return now < end ? `, old: good until ${localTime(end)}` : `, old: ended ${localTime(end)}`;
}

function kindOf({ passwordKeyed }: PrincipalEntry): string {
  return passwordKeyed ? "password" : "random key";
}
