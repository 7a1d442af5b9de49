/** The table of encryption types, strongest first: a new one is a file and a row here. */
import { AES128_CTS_HMAC_SHA256_128, AES256_CTS_HMAC_SHA384_192 } from "./aes-cts-hmac-sha2.js";
import { DES_CBC_MD5 } from "./des-cbc-md5.js";
import { DES_ECB } from "./des-ecb.js";
import { DES_EDE_ECB } from "./des-ede-ecb.js";
import { DES3_CBC_SHA1 } from "./des3-cbc-sha1.js";
import type { EncryptionType } from "./encryption-type.js";

/** Of the types that client, service and realm all permit, the KDC chooses the first. */
const ROWS: readonly EncryptionType[] = [
  AES256_CTS_HMAC_SHA384_192,
  AES128_CTS_HMAC_SHA256_128,
  DES3_CBC_SHA1,
  DES_CBC_MD5,
  DES_EDE_ECB,
  DES_ECB,
];

/** Every encryption type this project has, by its number, strongest first. */
export const ENCRYPTION_TYPES: ReadonlyMap<number, EncryptionType> = new Map(
  ROWS.map((row) => [row.etype, row]),
);

/** The row of an encryption type number, or undefined where the project does not have that type. */
export function encryptionType(etype: number): EncryptionType | undefined {
  return ENCRYPTION_TYPES.get(etype);
}
