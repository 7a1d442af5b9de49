/**
 * One program at a time that fills an LMDB database: whoever holds the lock of its file, which LMDB leaves
 * alone.
 */
import { join } from "node:path";
import { withLockedFile } from "../../files/locked-file.js";
import { PrivateFileError } from "../../files/private-file-error.js";
import { beingFilled } from "../being-filled.js";

/**
 * Does what no two programs may do at a time on the database in a folder, which is there.
 * @throws StoreError `busy` if another does; PrivateFileError as `withLockedFile`; whatever `work` throws.
 */
export async function aloneOnLmdb<T>(dir: string, work: () => Promise<T>): Promise<T> {
  const path = join(dir, "data.mdb");
  let isBegun = false;
  const begin = () => {
    isBegun = true;
    return work();
  };
  try {
    // Whoever may fill the database may lock it.
    return await withLockedFile(path, begin, () => {}, 0);
  } catch (error) {
    const isBusy = !isBegun && error instanceof PrivateFileError && error.code === "busy";
    throw isBusy ? beingFilled(dir, error) : error;
  }
}
