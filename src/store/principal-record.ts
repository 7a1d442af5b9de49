/**
 * A principal as it is stored: the encoding, apart from the database that keeps it.
 *
 * Two seals (storage/v1/principal_record.proto). Each key is encrypted and bound to principal, kvno and
 * etype. The whole record, clear fields included, carries a MAC over the bytes as stored, checked before they
 * are parsed. A record that opens was therefore written under this master key for this principal; only an
 * older record of the same principal, put back by someone who can write to the store, goes unnoticed.
 */
import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { asView, readCanonical } from "../canonical/decode.js";
import {
  type PrincipalRecord,
  PrincipalRecordSchema,
  type SealedKey,
  SealedKeySchema,
  SealedPrincipalRecordSchema,
  StringToKeyChoiceSchema,
} from "../gen/kerberos/storage/v1/principal_record_pb.js";
import { etypeOf } from "../protocol/etypes.js";
import { Key, type LongTermKey } from "../protocol/keys.js";
import { KrbError } from "../protocol/krb-error.js";
import { type Principal, parsePrincipal } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import type { MasterKey } from "./master-key.js";
import { StoreError } from "./store-error.js";

/** What is written. */
const VERSION = 2;
/** What is read: version 1 lacks when old keys end and from when TGTs count. */
const READ_VERSIONS: readonly number[] = [1, VERSION];
const NONCE_SIZE = 12;
const TAG_SIZE = 16;

/** Encodes an entry with its keys sealed under the master key. The caller owns the bytes. */
export function encodePrincipal(
  entry: PrincipalEntry,
  masterKey: MasterKey,
  random: (size: number) => Uint8Array = randomBytes,
): Uint8Array {
  const record = toBinary(
    PrincipalRecordSchema,
    create(PrincipalRecordSchema, {
      principal: entry.principal,
      keys: entry.keys.map((key) => sealKey(entry.principal, key, masterKey, random)),
      stringToKey: [...entry.stringToKey].map(([etype, { salt, params }]) =>
        create(StringToKeyChoiceSchema, { etype, salt, params }),
      ),
      passwordKeyed: entry.passwordKeyed,
      disabled: entry.disabled,
      ...optional("expiresAt", entry.expiresAt),
      ...optional("passwordExpiresAt", entry.passwordExpiresAt),
      ...optional("maxLife", entry.maxLife),
      ...optional("maxRenewableLife", entry.maxRenewableLife),
      createdAt: toInt64(entry.createdAt),
      modifiedAt: toInt64(entry.modifiedAt),
      keysChangedAt: toInt64(entry.keysChangedAt),
      tgtsFrom: toInt64(entry.tgtsFrom),
    }),
  );
  const sealed = create(SealedPrincipalRecordSchema, {
    version: VERSION,
    masterKeyId: masterKey.id,
    record,
    seal: masterKey.authenticate(versionBytes(VERSION), masterKey.id, record),
  });
  return toBinary(SealedPrincipalRecordSchema, sealed);
}

/**
 * Opens what `encodePrincipal` made for this principal. The entry owns its keys.
 * @throws StoreError `wrong-key` when it was sealed under another master key; `version` when a newer release
 *   wrote it; `corrupt` when any byte differs from what was written, or when it is another principal's
 *   record.
 */
export function decodePrincipal(
  bytes: Uint8Array,
  masterKey: MasterKey,
  principal: Principal,
): PrincipalEntry {
  const record = openRecord(bytes, masterKey, principal);
  try {
    return entryOf(record, masterKey, principal);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    if (error instanceof KrbError)
      throw new StoreError(
        "version",
        `${principal}: ${error.message}; use the release that wrote the record`,
      );
    throw corrupt(principal);
  }
}

/**
 * Checks the seal of what `encodePrincipal` made for this principal; its keys stay sealed.
 * @throws StoreError as `decodePrincipal`.
 */
export function checkSeal(bytes: Uint8Array, masterKey: MasterKey, principal: Principal): void {
  openRecord(bytes, masterKey, principal);
}

/** Which master key a record says it is sealed under: 8 bytes in hex; undefined for what is no record. */
export function masterKeyIdOf(bytes: Uint8Array): string | undefined {
  try {
    return Buffer.from(fromBinary(SealedPrincipalRecordSchema, bytes).masterKeyId).toString("hex");
  } catch {
    return undefined;
  }
}

/** Whether a record names this master key as the one it is sealed under; it says so in clear, and may lie. */
export function isSealedUnder(bytes: Uint8Array, { id }: MasterKey): boolean {
  try {
    return Buffer.compare(fromBinary(SealedPrincipalRecordSchema, bytes).masterKeyId, id) === 0;
  } catch {
    return false; // damaged: whoever opens it says so
  }
}

function openRecord(bytes: Uint8Array, masterKey: MasterKey, principal: Principal): PrincipalRecord {
  // Another encoding of the same message is not what was written.
  const sealed = readCanonical(SealedPrincipalRecordSchema, bytes, asView);
  if (sealed === undefined) throw corrupt(principal);
  const expected = masterKey.authenticate(versionBytes(sealed.version), sealed.masterKeyId, sealed.record);
  if (sealed.seal.length !== expected.length || !timingSafeEqual(sealed.seal, expected))
    throw Buffer.compare(sealed.masterKeyId, masterKey.id) === 0
      ? corrupt(principal)
      : new StoreError(
          "wrong-key",
          `${principal}: sealed under another master key, or damaged; use the realm's own master.key: ` +
            "where `tessera realm new-master-key` was run on another machine, copy it from there",
        );
  if (!READ_VERSIONS.includes(sealed.version))
    throw new StoreError(
      "version",
      `${principal}: the record has version ${sealed.version}, this release reads ${READ_VERSIONS.join(" and ")}; use the release that wrote it`,
    );
  return parsed(() => fromBinary(PrincipalRecordSchema, sealed.record), principal);
}

function entryOf(record: PrincipalRecord, masterKey: MasterKey, principal: Principal): PrincipalEntry {
  if (parsePrincipal(record.principal, "principal") !== principal)
    throw new StoreError(
      "corrupt",
      `${principal}: holds the record of ${record.principal}; restore it from a backup, or delete and create it again`,
    );
  return {
    principal,
    keys: record.keys.map((key) => openKey(principal, key, masterKey)),
    stringToKey: new Map(
      record.stringToKey.map(({ etype, salt, params }) => [etype, { salt, params: Uint8Array.from(params) }]),
    ),
    passwordKeyed: record.passwordKeyed,
    disabled: record.disabled,
    expiresAt: toNumber(record.expiresAt),
    passwordExpiresAt: toNumber(record.passwordExpiresAt),
    maxLife: toNumber(record.maxLife),
    maxRenewableLife: toNumber(record.maxRenewableLife),
    createdAt: Number(record.createdAt),
    modifiedAt: Number(record.modifiedAt),
    keysChangedAt: Number(record.keysChangedAt),
    // Version 1 has no such field: 0.
    tgtsFrom: Number(record.tgtsFrom === 0n ? record.createdAt : record.tgtsFrom),
  };
}

function sealKey(
  principal: Principal,
  { kvno, key, goodUntil }: LongTermKey,
  masterKey: MasterKey,
  random: (size: number) => Uint8Array,
): SealedKey {
  const { etype } = key.etype;
  const nonce = random(NONCE_SIZE);
  const sealing = masterKey.exportSealingKey();
  const plain = key.exportBytes();
  try {
    const cipher = createCipheriv("aes-256-gcm", sealing, nonce).setAAD(boundTo(principal, kvno, etype));
    const body = cipher.update(plain);
    const rest = cipher.final();
    return create(SealedKeySchema, {
      kvno,
      etype,
      nonce,
      cipher: Buffer.concat([body, rest, cipher.getAuthTag()]),
      ...optional("goodUntil", goodUntil),
    });
  } finally {
    plain.fill(0);
    sealing.fill(0);
  }
}

/** The key opens when it is first used: of several, a login uses one. */
function openKey(principal: Principal, sealed: SealedKey, masterKey: MasterKey): LongTermKey {
  const { kvno, etype, goodUntil } = sealed;
  const row = etypeOf(etype);
  return {
    kvno,
    key: new Key(row, () => unsealed(principal, sealed, masterKey)),
    ...(goodUntil !== undefined && { goodUntil: Number(goodUntil) }),
  };
}

function unsealed(
  principal: Principal,
  { kvno, etype, nonce, cipher }: SealedKey,
  masterKey: MasterKey,
): Uint8Array {
  const sealing = masterKey.exportSealingKey();
  const split = cipher.length - TAG_SIZE;
  let plain: Uint8Array = new Uint8Array();
  try {
    const decipher = createDecipheriv("aes-256-gcm", sealing, nonce, { authTagLength: TAG_SIZE })
      .setAAD(boundTo(principal, kvno, etype))
      .setAuthTag(cipher.subarray(split));
    plain = decipher.update(cipher.subarray(0, split));
    decipher.final();
    if (plain.length !== etypeOf(etype).keySize) throw corrupt(principal);
    return plain;
  } catch {
    plain.fill(0);
    throw corrupt(principal);
  } finally {
    sealing.fill(0);
  }
}

/** What a sealed key is bound to. No part contains a NUL, so the text is unambiguous. */
function boundTo(principal: Principal, kvno: number, etype: number): Uint8Array {
  return Buffer.from(`${principal}\0${kvno}\0${etype}`, "utf8");
}

function versionBytes(version: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(version);
  return bytes;
}

function parsed<T>(parse: () => T, principal: Principal): T {
  try {
    return parse();
  } catch {
    throw corrupt(principal);
  }
}

function corrupt(principal: Principal): StoreError {
  return new StoreError(
    "corrupt",
    `${principal}: the stored record was changed or damaged; restore it from a backup, or delete and create it again`,
  );
}

function optional<K extends string>(name: K, value: number | undefined): { [P in K]?: bigint } {
  return value === undefined ? {} : ({ [name]: toInt64(value) } as { [P in K]: bigint });
}

/** Whole milliseconds: a fraction is dropped. */
function toInt64(value: number): bigint {
  return BigInt(Math.trunc(value));
}

function toNumber(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
