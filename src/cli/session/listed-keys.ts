/** What a keytab holds, for klist: without the keys, and with the entries of other programs. */
import { readSecret } from "../../files/secret-file.js";
import {
  isKey,
  type KeytabEntry,
  readKeytabFileLayout,
  type SkippedKeytabEntry,
  skippedText,
} from "../../formats/keytab.js";
import { etypeName } from "../../protocol/etypes.js";
import { flawOf } from "../../protocol/keys.js";

/** An entry of a keytab, without its key. */
export interface ListedKey {
  readonly kvno: number;
  readonly principal: string;
  readonly etype: string;
  /** When it was written, in milliseconds since the epoch. */
  readonly written: number;
  /** Why it can't be used here, in words; empty if it can. */
  readonly unusable: string;
}

/**
 * What a keytab holds.
 * @param onSkipped told of entries that do not even have a name.
 * @throws PrivateFileError as `readSecret`; KeytabError for a file that is not a keytab.
 */
export async function listKeys(path: string, onSkipped: (text: string) => void): Promise<ListedKey[]> {
  const bytes = await readSecret(path);
  try {
    return readKeytabFileLayout(path, bytes).slots.flatMap(({ held }) => {
      if (held === undefined) return [];
      if (isKey(held)) return [listed(held)];
      if (held.name !== "") return [passedOver(held)];
      onSkipped(`${path}: passed over ${skippedText(held)}`);
      return [];
    });
  } finally {
    bytes.fill(0);
  }
}

function listed({ kvno, principal, key, timestamp }: KeytabEntry): ListedKey {
  const etype = key.etype.name;
  return { kvno, principal, etype, written: timestamp, unusable: flawOf(key) ?? "" };
}

function passedOver({ kvno, name, etype, timestamp, reason }: SkippedKeytabEntry): ListedKey {
  const words = {
    etype: "its encryption type",
    name: "its name",
    malformed: "it is not whole",
    "cut-short": "",
  };
  const unusable = words[reason];
  return { kvno, principal: name, etype: etypeName(etype), written: timestamp, unusable };
}
