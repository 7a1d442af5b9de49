/**
 * The directions of a guarded call, and the keys of their messages (guard.proto): a subkey, with messages
 * counted from the sequence number announced, or a session's keys, with messages counted from 1.
 */
import type { RandomSource } from "../crypto/encryption-type.js";
import { equalBytes } from "../crypto/equal-bytes.js";
import type { Octets } from "../crypto/octets.js";
import { KeyUsage } from "./key-usage.js";
import type { Key } from "./keys.js";
import { type Direction, TO_CLIENT, TO_SERVICE } from "./private-message.js";
import type { Sealing } from "./sealed-part.js";
import { MAC_SIZE, type MacKey } from "./session-keys.js";

/** The first sequence number under a session. */
const FIRST_OF_SESSION = 1;

/** A direction of a call, with the key usage of its checksums. */
export interface MessageDirection extends Direction {
  readonly checksumUsage: number;
  /** Whether its streams may be renewed: only clients have tickets. */
  readonly renewable: boolean;
}

/** From client to service. */
export const REQUESTS: MessageDirection = {
  ...TO_SERVICE,
  checksumUsage: KeyUsage.REQUEST_MESSAGE_CHECKSUM,
  renewable: true,
};
/** From service to client. */
export const RESPONSES: MessageDirection = {
  ...TO_CLIENT,
  checksumUsage: KeyUsage.RESPONSE_MESSAGE_CHECKSUM,
  renewable: false,
};

/** What protects a direction outside a session: the sender's subkey and the sequence number it announced. */
export interface SubkeyMessageKeys {
  readonly subkey: Key;
  readonly seqNumber: number;
}

/** What protects a direction of a call under a session: the sender's keys. */
export interface SessionMessageKeys {
  readonly checksums: MacKey;
  readonly seal: Key;
  /**
   * The call's number: from the client that of its first attempt, from the service that of the one answered.
   */
  readonly call: number;
}

/** What protects a direction. */
export type MessageKeys = SubkeyMessageKeys | SessionMessageKeys;

/** The keys of a direction, whichever they are, in use. */
export interface MessageScheme {
  /** The sequence number of the first message. */
  readonly first: number;
  /** In bytes. */
  readonly checksumSize: number;
  /** @param covered in one piece, or in parts that follow each other. */
  checksum(covered: Octets, random: RandomSource | undefined): Uint8Array;
  isChecksum(covered: Uint8Array, checksum: Uint8Array): boolean;
  readonly sealing: Sealing;
  /** `EncPrivPart.call`. */
  readonly call: bigint;
}

/** Readies the keys of a direction. */
export function schemeOf(direction: MessageDirection, keys: MessageKeys): MessageScheme {
  return "subkey" in keys ? subkeyScheme(direction, keys) : sessionScheme(direction, keys);
}

function subkeyScheme({ checksumUsage, usage }: MessageDirection, keys: SubkeyMessageKeys): MessageScheme {
  const { subkey, seqNumber } = keys;
  return {
    first: seqNumber,
    checksumSize: subkey.etype.checksumSize,
    checksum: (covered, random) => subkey.cipher.checksum(checksumUsage, covered, random),
    isChecksum: (covered, checksum) => subkey.cipher.verifyChecksum(checksumUsage, covered, checksum),
    sealing: { key: subkey, usage },
    call: 0n,
  };
}

function sessionScheme(
  { usage }: MessageDirection,
  { checksums, seal, call }: SessionMessageKeys,
): MessageScheme {
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(call));
  const checksum = (covered: Octets) =>
    covered instanceof Uint8Array ? checksums.mac(number, covered) : checksums.mac(number, ...covered);
  return {
    first: FIRST_OF_SESSION,
    checksumSize: MAC_SIZE,
    checksum,
    isChecksum: (covered, received) => equalBytes(checksum(covered), received),
    sealing: { key: seal, usage },
    call: BigInt(call),
  };
}
