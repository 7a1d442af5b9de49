/** A realm's records as they are stored, each with its seal checked. */
import type { Principal } from "../../protocol/principal.js";
import type { KeyValueStore } from "../../store/key-value-store.js";
import type { MasterKeys } from "../../store/master-keys.js";
import { masterKeyOf, withFreshKeys } from "../../store/open-record.js";
import { PRINCIPAL_PREFIX, principalOfKey } from "../../store/principal-key.js";
import { checkSeal, decodePrincipal } from "../../store/principal-record.js";

/**
 * All of them, in the order of their names.
 * @throws StoreError as `checkSeal`, at the first that does not open.
 */
export async function* sealedRecords(
  store: KeyValueStore,
  masterKeys: MasterKeys,
): AsyncGenerator<[principal: Principal, record: Uint8Array]> {
  for await (const [key, bytes] of store.scan(PRINCIPAL_PREFIX)) {
    const principal = principalOfKey(key);
    await withFreshKeys(masterKeys, () => checkSeal(bytes, masterKeyOf(bytes, masterKeys), principal));
    yield [principal, bytes];
  }
}

/** A record that does not open, and why. */
export interface RecordFault {
  /** The name as it is stored. */
  readonly name: string;
  readonly error: Error;
}

/**
 * Opens every record with all its keys.
 * @param onFault told of each that does not open.
 * @param onRecord told how many were opened, one by one.
 * @returns how many there are.
 */
export async function checkRecords(
  store: KeyValueStore,
  masterKeys: MasterKeys,
  onFault: (fault: RecordFault) => void,
  onRecord: (count: number) => void = () => {},
): Promise<number> {
  let count = 0;
  for await (const [key, bytes] of store.scan(PRINCIPAL_PREFIX)) {
    try {
      const principal = principalOfKey(key);
      const entry = await withFreshKeys(masterKeys, () =>
        decodePrincipal(bytes, masterKeyOf(bytes, masterKeys), principal),
      );
      for (const { key: long } of entry.keys) {
        long.exportBytes().fill(0);
        long.wipe();
      }
    } catch (error) {
      onFault({ name: key.slice(PRINCIPAL_PREFIX.length), error: error as Error });
    }
    onRecord(++count);
  }
  return count;
}
