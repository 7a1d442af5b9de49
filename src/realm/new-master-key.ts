/**
 * The roll-over of a realm's master key, while its servers run.
 *
 * Order: the file gets the new key beside the old one; every record is sealed under the new one, the TGS's
 * first, which whoever adds a record has to open; the old one leaves the file. Interrupted anywhere, every
 * record opens, and the next roll-over goes on where this one stopped.
 */

import { withLockedFile } from "../files/locked-file.js";
import { createPrivateFile } from "../files/private-file.js";
import { PrivateFileError } from "../files/private-file-error.js";
import { krbtgtOf, type Principal } from "../protocol/principal.js";
import { beginRollOver, endRollOver } from "../store/master-key.js";
import { MasterKeys } from "../store/master-keys.js";
import { openStore } from "../store/open-store.js";
import { PrincipalStore } from "../store/principal-store.js";
import type { RealmDirectory } from "./realm-directory.js";

/** What a roll-over came to. */
export interface RollOver {
  /** How many records were sealed anew. */
  readonly records: number;
  /** True if a roll-over that had been interrupted was finished, under the key that it made. */
  readonly resumed: boolean;
}

/**
 * Puts a new master key beside the old one and leaves the records as they are, so that the file can be copied
 * to the other machines that serve the realm before a record needs it. `newMasterKey` does the rest.
 * @returns whether a new key was made; false: a roll-over was under way.
 * @throws PrivateFileError `busy` while another roll-over runs, and as `loadMasterKeys`.
 */
export async function beginNewMasterKey({ masterKeyFile }: RealmDirectory): Promise<boolean> {
  return withLockedFile(await lockFile(masterKeyFile), () => beginRollOver(masterKeyFile));
}

/**
 * Gives a realm a new master key. Backups of before need the old one.
 * @param onRecord told of each record that was sealed anew.
 * @throws PrivateFileError `busy` while another roll-over runs, and as `loadMasterKeys`; StoreError as
 *   `openStore`, and for a record that does not open, before the old key is gone.
 */
export async function newMasterKey(
  directory: RealmDirectory,
  onRecord?: (principal: Principal) => void,
): Promise<RollOver> {
  const { masterKeyFile } = directory;
  return withLockedFile(await lockFile(masterKeyFile), async () => {
    const begun = await beginRollOver(masterKeyFile);
    const masterKeys = await MasterKeys.open(masterKeyFile);
    // Has both keys to the end: what somebody wrote under the old one at the last moment is still found.
    const both = new MasterKeys(masterKeys.all as [(typeof masterKeys.all)[number]]);
    const principals = new PrincipalStore(await openStore(directory.principals), both);
    try {
      const tgs = krbtgtOf(directory.settings.realm);
      let records = 0;
      for (let sealed = -1; sealed !== 0; records += sealed) sealed = await principals.reseal(tgs, onRecord);
      await endRollOver(masterKeyFile);
      records += await principals.reseal(tgs, onRecord);
      return { records, resumed: !begun };
    } finally {
      await principals.close();
    }
  });
}

/** The file that is locked while a roll-over runs: the key's own is replaced by it. */
async function lockFile(masterKeyFile: string): Promise<string> {
  const path = `${masterKeyFile}.lock`;
  try {
    await createPrivateFile(path, new Uint8Array());
  } catch (error) {
    if (!(error instanceof PrivateFileError) || error.code !== "exists") throw error;
  }
  return path;
}
