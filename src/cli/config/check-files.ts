/** Whether the files that a configuration names are there, and can be read by whoever checks it. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { systemErrorText } from "../../files/system-error.js";
import { formOf } from "./forms.js";
import type { Entry, Fault } from "./read.js";

/** The faults of files that are missing, or not ours to read, in the order of the entries. */
export async function fileFaults(entries: readonly Entry[]): Promise<Fault[]> {
  const found = entries.map(async ({ key, texts, line, column }): Promise<Fault[]> => {
    const [first = ""] = texts;
    const path = first.replace(/^(?:FILE|lmdb):/, "");
    if (!formOf(key.value ?? "").isPath || !path.startsWith("/")) return [];
    // What is made by need must have a folder to be made in.
    const isMade = key.isMade || key.value === "STORE";
    const [target, mode] = isMade ? [dirname(path), constants.W_OK] : [path, constants.R_OK];
    try {
      await access(target, mode);
      return [];
    } catch (error) {
      return [{ line, column, text: `${key.name}: ${target}: ${systemErrorText(error)}` }];
    }
  });
  return (await Promise.all(found)).flat();
}
