/** Realms in memory for these tests, at a time of their own. */
import type { RealmPolicy } from "../../src/protocol/policy.js";
import type { PrincipalEntry } from "../../src/protocol/principal-entry.js";
import { createMemoryRealm } from "../../src/realm/create-realm.js";
import type { Realm } from "../../src/realm/realm.js";
import type { RealmSettings } from "../../src/realm/realm-settings.js";

/** When the realms of these tests are made. */
export const MADE = Date.UTC(2026, 2, 1, 12);
/** When these tests change something. */
export const LATER = MADE + 3_600_000;
export const HOUR = 3_600_000;

/** A realm EXAMPLE.TEST in memory; `standard`, unless the settings say otherwise. */
export function memoryRealm(
  settings: Partial<RealmSettings> = {},
  limits: Partial<RealmPolicy> = {},
): Promise<Realm> {
  return createMemoryRealm({ profile: "standard", ...settings }, limits, MADE);
}

/** The keys of an entry as `kvno:etype`, in their order. */
export function keysOf({ keys }: PrincipalEntry): string[] {
  return keys.map(({ kvno, key }) => `${kvno}:${key.etype.etype}`);
}

/** The bytes of an entry's keys, in hexadecimal. */
export function keyBytes({ keys }: PrincipalEntry): string[] {
  return keys.map(({ key }) => Buffer.from(key.exportBytes()).toString("hex"));
}

/** What a refusal says. */
export function refusal(reason: string, message: string, hint?: string) {
  return { name: "RealmError", reason, message, hint };
}
