/** Writes a realm's principals and settings into a file, while its servers run. */
import type { DumpHeader } from "../../store/dump/frames.js";
import { DumpWriter } from "../../store/dump/writer.js";
import { MasterKeys } from "../../store/master-keys.js";
import { openStore } from "../../store/open-store.js";
import { PRINCIPAL_PREFIX } from "../../store/principal-key.js";
import type { RealmDirectory } from "../realm-directory.js";
import { formatSettings } from "../realm-settings.js";
import { sealedRecords } from "./sealed-records.js";

/**
 * Writes a dump. Each principal is as it was at one moment while the dump was written; not all at the same
 * one.
 * @param now milliseconds since the epoch.
 * @param onRecord told how many were written, and which part of all that is.
 * @returns how many principals it has.
 * @throws StoreError as `openStore`, and for a record that does not open; `full`; PrivateFileError. The file
 *   that was there then stays.
 */
export async function dumpRealm(
  directory: RealmDirectory,
  path: string,
  now: number,
  onRecord: (count: number, fraction: number) => void = () => {},
): Promise<number> {
  const masterKeys = await MasterKeys.open(directory.masterKeyFile);
  const store = await openStore(directory.principals);
  try {
    const sealing = masterKeys.current;
    const header: DumpHeader = {
      realm: directory.settings.realm,
      // Where the records are is this machine's affair, and may hold a password.
      settings: formatSettings({ ...directory.settings, database: undefined }),
      createdAt: now,
      masterKeyId: sealing.id,
    };
    const writer = await DumpWriter.create(path, header);
    try {
      // What is added meanwhile makes the bar end a little early.
      const all = await store.scan(PRINCIPAL_PREFIX).count();
      let count = 0;
      for await (const [principal, record] of sealedRecords(store, masterKeys)) {
        await writer.add(principal, record);
        onRecord(++count, Math.min(count / all, 1));
      }
      return await writer.finish(sealing);
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  } finally {
    await store.close();
  }
}
