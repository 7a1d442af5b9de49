/**
 * des-ede-ecb, encryption type −2 (private use): `des-ecb` with two-key triple DES (K1, K2, K1) and 16-byte
 * keys. It has every fault of `des-ecb` except the short key.
 */

import { ecbEncryptionType } from "./des-ecb.js";
import type { EncryptionType } from "./encryption-type.js";
import { equalBytes } from "./equal-bytes.js";
import { mitDesStringToKey } from "./mit-des-string-to-key.js";
import { concatBytes } from "./octets.js";

/** The row of etype −2. */
export const DES_EDE_ECB: EncryptionType = ecbEncryptionType({
  etype: -2,
  name: "des-ede-ecb",
  keySize: 16,
  stringToKey: twoKeysFromPassword,
});

/**
 * K1 ‖ K2, from mit_des_string_to_key with a byte after the salt: 1 for K1, 2 for K2. A zero byte would be
 * lost in the padding, and K1 would be the key that des-cbc-md5 makes from the same password.
 */
function twoKeysFromPassword(password: string, salt: Uint8Array): Uint8Array {
  const first = mitDesStringToKey(password, concatBytes(salt, Uint8Array.of(1)));
  let suffix = 2;
  let second = mitDesStringToKey(password, concatBytes(salt, Uint8Array.of(suffix)));
  // One password in 2⁵⁶ gives equal halves, which would be single DES: then the next suffix is tried.
  while (equalBytes(first, second)) {
    suffix++;
    second = mitDesStringToKey(password, concatBytes(salt, Uint8Array.of(suffix)));
  }
  const key = concatBytes(first, second);
  first.fill(0);
  second.fill(0);
  return key;
}
