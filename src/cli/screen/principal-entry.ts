/** A principal's entry as it is shown: never a key, never a salt. */
import { formatDuration } from "../../protocol/duration.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import { currentKvno, type PrincipalEntry } from "../../protocol/principal-entry.js";
import { localTime } from "./times.js";

/** An entry as JSON has it. */
export function entryFacts(entry: PrincipalEntry): Record<string, unknown> {
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
    keys: entry.keys.map(({ kvno, key }) => ({ kvno, etype: key.etype.name, weak: key.etype.weak })),
  };
}

/** An entry as rows a person reads. */
export function entryRows(entry: PrincipalEntry): string[][] {
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
    ...entry.keys.map(({ kvno, key }) => [
      "Key:",
      `kvno ${kvno}, ${key.etype.name}${key.etype.weak ? " (weak)" : ""}`,
    ]),
  ];
}

function kindOf({ passwordKeyed }: PrincipalEntry): string {
  return passwordKeyed ? "password" : "random key";
}
