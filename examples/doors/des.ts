/** `tessera-sso/des`: DES, to be read and studied. Not for anything that must stay secret. */
import {
  createKeySchedule,
  decryptCbc,
  encryptCbc,
  generateKey,
  pad,
  unpad,
  wipeKeySchedule,
} from "tessera-sso/des";

/** Seals a text under a new key and opens it again. */
export function thereAndBack(text: string): string {
  // #region des
  const key = generateKey(8); // 16 or 24 for triple DES
  const schedule = createKeySchedule(key);
  const iv = crypto.getRandomValues(new Uint8Array(8));
  const sealed = encryptCbc(schedule, iv, pad(new TextEncoder().encode(text)));
  const opened = new TextDecoder().decode(unpad(decryptCbc(schedule, iv, sealed)));
  wipeKeySchedule(schedule);
  // #endregion
  return opened;
}
