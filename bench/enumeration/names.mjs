// The names that are asked for, by class. They are scattered over the database, and no class is told by its
// names.
import { createHash } from "node:crypto";

export const REALM = "BENCH.EXAMPLE";

/** What each class's principals are; undefined: there are none of those names. */
export const CLASSES = {
  unknown: undefined,
  known: {},
  disabled: { disabled: true },
  expired: { expiresAt: 1, passwordExpiresAt: 1 },
  control: {},
};

/** How much longer the server works for the names of the class `control`, in microseconds. */
export const PLANTED_US = 50;

export function principalOf(name, index) {
  return `${createHash("sha256").update(`${name} ${index}`).digest("hex").slice(0, 12)}@${REALM}`;
}
