/** What holds sooner or later, on a machine that may have much else to do. */
import { vi } from "vitest";

/**
 * Asks until `holds` throws no more, and gives what it gives; after 100 s it fails with what was thrown last.
 */
export function eventually<T>(holds: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(holds, { timeout: 100_000, interval: 20 });
}
