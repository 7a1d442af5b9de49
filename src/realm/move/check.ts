/** Opens all of a realm's records, and says which of them don't open. */
import { krbtgtOf } from "../../protocol/principal.js";
import { filledFrom } from "../../store/filling-mark.js";
import { MasterKeys } from "../../store/master-keys.js";
import { openStore } from "../../store/open-store.js";
import { principalKey } from "../../store/principal-key.js";
import { StoreError } from "../../store/store-error.js";
import type { RealmDirectory } from "../realm-directory.js";
import { checkRecords, type RecordFault } from "./sealed-records.js";
import { HALF_FILLED } from "./unfinished-move.js";

/**
 * Checks a realm's database: that every record opens under the realm's master key, that the TGS is there, and
 * that no move was left unfinished.
 * @param onFault told of everything that is wrong.
 * @param onRecord told how many records were opened.
 * @returns how many there are.
 * @throws PrivateFileError and StoreError as `MasterKeys.open` and `openStore`.
 */
export async function checkRealm(
  directory: RealmDirectory,
  onFault: (fault: RecordFault) => void,
  onRecord?: (count: number) => void,
): Promise<number> {
  const masterKeys = await MasterKeys.open(directory.masterKeyFile);
  const store = await openStore(directory.principals);
  try {
    const source = await filledFrom(store);
    const broken = new Set<string>();
    const note = (fault: RecordFault) => {
      broken.add(fault.name);
      onFault(fault);
    };
    const records = await checkRecords(store, masterKeys, note, onRecord);
    const tgs = krbtgtOf(directory.settings.realm);
    if (source !== undefined)
      onFault({ name: directory.dir, error: new StoreError("corrupt", `${HALF_FILLED} (${source})`) });
    else if (!broken.has(tgs) && (await store.get(principalKey(tgs))) === undefined)
      onFault({ name: tgs, error: new StoreError("missing", `${tgs}: the realm's TGS is not there`) });
    return records;
  } finally {
    await store.close();
  }
}
