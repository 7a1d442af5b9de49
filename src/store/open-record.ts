/** Opens stored records under whichever of a realm's master keys they were sealed. */
import type { Principal } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import type { MasterKey } from "./master-key.js";
import type { MasterKeys } from "./master-keys.js";
import { decodePrincipal, isSealedUnder } from "./principal-record.js";
import { StoreError } from "./store-error.js";

/** The master key that a record names; the current one, which says what is wrong, for any other. */
export function masterKeyOf(bytes: Uint8Array, { all, current }: MasterKeys): MasterKey {
  return all.length === 1 ? current : (all.find((one) => isSealedUnder(bytes, one)) ?? current);
}

/**
 * Does what opens a record; once more if that is under another master key and the realm has got one
 * meanwhile.
 * @throws whatever `open` does.
 */
export async function withFreshKeys<T>(masterKeys: MasterKeys, open: () => T): Promise<T> {
  try {
    return open();
  } catch (error) {
    const isOther = error instanceof StoreError && error.code === "wrong-key";
    if (!isOther || !(await masterKeys.refresh())) throw error;
    return open();
  }
}

/**
 * Opens a principal's record, under whichever master key it was sealed.
 * @throws StoreError as `decodePrincipal`.
 */
export function openEntry(
  masterKeys: MasterKeys,
  bytes: Uint8Array,
  principal: Principal,
): Promise<PrincipalEntry> {
  return withFreshKeys(masterKeys, () => decodePrincipal(bytes, masterKeyOf(bytes, masterKeys), principal));
}
