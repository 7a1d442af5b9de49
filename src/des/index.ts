/**
 * DES and triple DES (FIPS 46-3, SP 800-67), the modes ECB and CBC (FIPS 81), PKCS#5 padding and key hygiene:
 * bytes to bytes. This folder imports nothing. Not constant time, and single DES can be searched in hours:
 * see docs/des.md.
 *
 * {@includeCode ../../examples/doors/des.ts}
 * @module des
 */
export { BLOCK_SIZE } from "./argument-checks.js";
export { decryptCbc, encryptCbc } from "./cbc.js";
export { decryptEcb, encryptEcb } from "./ecb.js";
export { generateKey, type RandomSource } from "./generate-key.js";
export { createKeySchedule, type KeySchedule, wipeKeySchedule } from "./key-schedule.js";
export { pad, unpad } from "./padding.js";
export { hasOddParity, setOddParity } from "./parity.js";
export { isSemiWeakKey, isWeakKey } from "./weak-keys.js";
