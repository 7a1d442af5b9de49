/**
 * Authenticators (RFC 4120 §5.5.1): a client makes one for a single request, and whoever has opened the
 * ticket opens it.
 */
import { create } from "@bufbuild/protobuf";
import type { RandomSource } from "../crypto/encryption-type.js";
import { sha256 } from "../crypto/hash.js";
import { type EncryptedData, EncryptedDataSchema } from "../gen/kerberos/v1/encryption_pb.js";
import type { Extension } from "../gen/kerberos/v1/extension_pb.js";
import { type Authenticator, AuthenticatorSchema } from "../gen/kerberos/v1/sealed_pb.js";
import type { Credentials } from "./credentials.js";
import { toEncryptionKey } from "./encryption-key.js";
import { fromTimestamp, toTimestamp } from "./kerberos-time.js";
import { KeyUsage } from "./key-usage.js";
import type { Key } from "./keys.js";
import { KrbError, malformed } from "./krb-error.js";
import type { Principal } from "./principal.js";
import { sealToBytes, unseal } from "./sealed-part.js";
import { decodeBlob } from "./strict-decode.js";
import type { TicketContents } from "./ticket.js";

/** The two uses of an authenticator: to the TGS, or to a service. */
export interface AuthenticatorUse {
  readonly authenticator: number;
  readonly checksum: number;
}

/** Key usages of an authenticator to the TGS. */
export const TGS_USE: AuthenticatorUse = {
  authenticator: KeyUsage.TGS_REQ_AUTHENTICATOR,
  checksum: KeyUsage.TGS_REQ_CHECKSUM,
};
/** Key usages of an authenticator to any other service. */
export const AP_USE: AuthenticatorUse = {
  authenticator: KeyUsage.AP_REQ_AUTHENTICATOR,
  checksum: KeyUsage.AP_REQ_CHECKSUM,
};

/** The fewest and the most bytes of an authenticator's nonce; ours have 16. */
const NONCE_MIN = 12;
const NONCE_MAX = 64;
const NONCE_SIZE = 16;

/** What an authenticator carries for what follows it. */
export interface Carried {
  /** The subkey of the application data. */
  readonly subkey?: Key | undefined;
  /** The first sequence number of the application data; 0 by default. */
  readonly seqNumber?: number | undefined;
  readonly extensions?: readonly Extension[] | undefined;
}

/** An authenticator that was just made. */
export interface MadeAuthenticator {
  /** A serialized EncryptedData that seals it. */
  readonly sealed: Uint8Array;
  readonly nonce: Uint8Array;
}

/**
 * Makes and seals an authenticator.
 * @param covered the request's bytes as they will travel; its checksum covers them.
 * @param now milliseconds since the epoch.
 */
export function makeAuthenticator(
  { client, key }: Credentials,
  use: AuthenticatorUse,
  covered: Uint8Array,
  carried: Carried,
  now: number,
  random: RandomSource,
): MadeAuthenticator {
  const nonce = random(NONCE_SIZE);
  const checksum = key.cipher.checksum(use.checksum, covered, random);
  const authenticator = create(AuthenticatorSchema, {
    client,
    ctime: toTimestamp(now),
    checksum: { type: key.etype.checksumType, checksum },
    seqNumber: carried.seqNumber ?? 0,
    nonce,
    extensions: [...(carried.extensions ?? [])],
  });
  if (carried.subkey !== undefined) authenticator.subkey = toEncryptionKey(carried.subkey);
  const sealed = sealToBytes({ key, usage: use.authenticator }, "authenticator", authenticator, random);
  return { sealed, nonce };
}

/** An authenticator that was opened, and what it was sealed in. */
export interface OpenedAuthenticator {
  readonly authenticator: Authenticator;
  readonly sealed: EncryptedData;
}

/**
 * Opens an authenticator with the session key of its ticket.
 * @throws KrbError KRB_ERR_GENERIC for bytes that are not an EncryptedData; KRB_AP_ERR_BAD_INTEGRITY;
 *   KRB_AP_ERR_BADMATCH where it names another client than the ticket.
 */
export function openAuthenticator(
  ticket: TicketContents,
  use: AuthenticatorUse,
  bytes: Uint8Array,
): OpenedAuthenticator {
  const sealed = decodeBlob(EncryptedDataSchema, bytes, "authenticator");
  const sealing = { key: ticket.sessionKey, usage: use.authenticator };
  const authenticator = unseal(sealing, "authenticator", sealed, badIntegrity);
  if (authenticator.client !== ticket.client) {
    wipeAuthenticator(authenticator);
    throw new KrbError("KRB_AP_ERR_BADMATCH", "ticket and authenticator name different clients");
  }
  return { authenticator, sealed };
}

/** Overwrites the key in an authenticator, if any. */
export function wipeAuthenticator({ subkey }: Authenticator): void {
  subkey?.key.fill(0);
}

/**
 * The time of an authenticator, in milliseconds since the epoch.
 * @throws KrbError KRB_ERR_GENERIC for one without a time, or whose nonce has the wrong length.
 */
export function authenticatorTime({ ctime, nonce }: Authenticator): number {
  if (ctime === undefined) throw malformed("authenticator.ctime", "required");
  if (nonce.length < NONCE_MIN || nonce.length > NONCE_MAX)
    throw malformed(
      "authenticator.nonce",
      `expected ${NONCE_MIN} to ${NONCE_MAX} bytes, got ${nonce.length}`,
    );
  return fromTimestamp(ctime, "authenticator.ctime");
}

/**
 * Checks that the authenticator covers the request. Only the checksum type that goes with the session key's
 * encryption type is accepted (RFC 4120 §3.2.3, §3.3.2).
 * @param covered what the request may have been: one of them fits.
 * @throws KrbError KRB_AP_ERR_INAPP_CKSUM, KRB_AP_ERR_MODIFIED.
 */
export function checkChecksum(
  authenticator: Authenticator,
  key: Key,
  usage: number,
  covered: readonly Uint8Array[],
): void {
  const expected = key.etype.checksumType;
  const { type, checksum } = authenticator.checksum ?? { type: 0, checksum: new Uint8Array() };
  if (type !== expected)
    throw new KrbError("KRB_AP_ERR_INAPP_CKSUM", `the authenticator needs a checksum of type ${expected}`, {
      expected: String(expected),
      got: String(type),
    });
  if (!covered.some((bytes) => key.cipher.verifyChecksum(usage, bytes, checksum)))
    throw new KrbError("KRB_AP_ERR_MODIFIED", "the request is not the one the authenticator was made for", {
      field: "checksum",
    });
}

/**
 * What the replay cache knows an authenticator by: 16 bytes of a hash over the service and the ciphertext
 * (RFC 4120 §3.2.3).
 */
export function replayTag(service: Principal, authenticator: EncryptedData): Uint8Array {
  const { cipher } = authenticator;
  const name = Buffer.allocUnsafe(service.length + 1 + cipher.length);
  // A principal is ASCII.
  name.write(service, "latin1");
  name[service.length] = 0;
  name.set(cipher, service.length + 1);
  return sha256(name, 16);
}

function badIntegrity(): KrbError {
  return new KrbError(
    "KRB_AP_ERR_BAD_INTEGRITY",
    "the authenticator can't be opened with the ticket's session key",
    {
      part: "authenticator",
    },
  );
}
