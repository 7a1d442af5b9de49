// The names that are asked for, by class. They are scattered over the database, and no class is told by its
// names.
import { createHash } from "node:crypto";
import { etypeOf } from "../../dist/protocol/etypes.js";
import { Key } from "../../dist/protocol/keys.js";

export const REALM = "BENCH.EXAMPLE";

/** What each class's principals are; undefined: there are none of those names. */
export const CLASSES = {
  unknown: undefined,
  known: {},
  // They have logged in, so that their entries are kept.
  active: {},
  disabled: { disabled: true },
  expired: { expiresAt: 1, passwordExpiresAt: 1 },
  control: {},
};

/** How much longer the server works for the names of the class `control`, in microseconds. */
export const PLANTED_US = 50;

/** The key of a principal that logs in. */
export function activeKeyOf(principal) {
  const row = etypeOf(20);
  return new Key(row, createHash("sha512").update(principal).digest().subarray(0, row.keySize));
}

export function principalOf(name, index) {
  return `${createHash("sha256").update(`${name} ${index}`).digest("hex").slice(0, 12)}@${REALM}`;
}
