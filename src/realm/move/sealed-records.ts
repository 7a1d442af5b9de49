/** A realm's records as they are stored, each with its seal checked. */
import type { Principal } from "../../protocol/principal.js";
import type { KeyValueStore } from "../../store/key-value-store.js";
import type { MasterKey } from "../../store/master-key.js";
import type { MasterKeys } from "../../store/master-keys.js";
import { PRINCIPAL_PREFIX, principalOfKey } from "../../store/principal-key.js";
import { checkSeal, decodePrincipal, isSealedUnder } from "../../store/principal-record.js";
import { StoreError } from "../../store/store-error.js";

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
    await opened(masterKeys, bytes, (masterKey) => checkSeal(bytes, masterKey, principal));
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
      const entry = await opened(masterKeys, bytes, (one) => decodePrincipal(bytes, one, principal));
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

/**
 * Opens a record under whichever master key it was sealed; once more if the realm has got another meanwhile.
 */
async function opened<T>(
  masterKeys: MasterKeys,
  bytes: Uint8Array,
  open: (masterKey: MasterKey) => T,
): Promise<T> {
  const openOnce = () => {
    const { all, current } = masterKeys;
    return open(all.length === 1 ? current : (all.find((one) => isSealedUnder(bytes, one)) ?? current));
  };
  try {
    return openOnce();
  } catch (error) {
    const isOther = error instanceof StoreError && error.code === "wrong-key";
    if (!isOther || !(await masterKeys.refresh())) throw error;
    return openOnce();
  }
}
