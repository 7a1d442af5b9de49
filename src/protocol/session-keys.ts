/**
 * The keys of a session (session.proto), which both sides derive from the two subkeys of the AP exchange that
 * made it and from the bytes of that exchange as they travelled.
 */
import type { EncryptionType, RandomSource } from "../crypto/encryption-type.js";
import { sha256 } from "../crypto/hash.js";
import { hkdfSha256 } from "../crypto/hkdf.js";
import { hmac, SHA256 } from "../crypto/hmac.js";
import { systemRandom, takeRandom } from "../crypto/random.js";
import { Key } from "./keys.js";

/** Whether a ticket whose session key is of this type can have sessions: the others go one shot. */
export function hasSessions({ integrity, weak }: EncryptionType): boolean {
  return integrity && !weak;
}

/** The size of a session's identifier, in bytes. */
export const SESSION_ID_SIZE = 16;

/** A new session's identifier. */
export function newSessionId(random: RandomSource = systemRandom): Uint8Array {
  return takeRandom(random, SESSION_ID_SIZE);
}

const INFO = "tessera guard session v1";
const MAC_KEY_SIZE = 32;
/** The size of every MAC of a session, in bytes. */
export const MAC_SIZE = 16;

/** A key of HMAC-SHA-256. Owns its copy of the bytes until `wipe`. */
export class MacKey {
  readonly #bytes: Uint8Array;

  /** @param bytes 32 bytes; taken over. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The first 16 bytes of HMAC-SHA-256 over the parts of `text`, one after the other; the caller's. */
  mac(...text: readonly Uint8Array[]): Uint8Array {
    return hmac(SHA256, MAC_SIZE, this.#bytes, ...text);
  }

  /** Overwrites the key. */
  wipe(): void {
    this.#bytes.fill(0);
  }
}

/** What a session's keys are derived from. All of it stays the caller's. */
export interface SessionOrigin {
  /** The authenticator's subkey. */
  readonly clientSubkey: Key;
  /** The subkey of EncApRepPart, of the same encryption type. */
  readonly serviceSubkey: Key;
  /** `SessionGrant.id`. */
  readonly id: Uint8Array;
  /** The ApReq as it travelled, of the attempt that the AP-REP answers. */
  readonly apReq: Uint8Array;
  /** The AP-REP as it travelled. */
  readonly apRep: Uint8Array;
}

/** The keys of one session. No two of them are alike, so that nothing made with one passes for another's. */
export interface SessionKeys {
  /** Of a `SessionCall`. */
  readonly call: MacKey;
  /** Of the service's answers. */
  readonly reply: MacKey;
  /** Of messages from the client. */
  readonly clientMessages: MacKey;
  /** Of messages from the service. */
  readonly serviceMessages: MacKey;
  /** Seals messages from the client. */
  readonly clientSeal: Key;
  /** Seals messages from the service. */
  readonly serviceSeal: Key;
}

/** Derives a session's keys (RFC 5869, with SHA-256); they are the caller's. */
export function deriveSessionKeys(origin: SessionOrigin): SessionKeys {
  const { clientSubkey, serviceSubkey, id, apReq, apRep } = origin;
  const { keySize } = clientSubkey.etype;
  const input = Buffer.concat([clientSubkey.exportBytes(), serviceSubkey.exportBytes()]);
  const exchange = Buffer.concat([sha256(apReq), sha256(apRep)]);
  const derive = (label: string, size: number) => {
    const info = Buffer.concat([Buffer.from(`${INFO}\0${label}\0`, "latin1"), exchange]);
    return hkdfSha256(input, id, info, size);
  };
  const macKey = (label: string) => new MacKey(derive(label, MAC_KEY_SIZE));
  const sealKey = (label: string) => {
    const bytes = derive(label, keySize);
    const key = new Key(clientSubkey.etype, bytes);
    bytes.fill(0);
    return key;
  };
  try {
    return {
      call: macKey("call"),
      reply: macKey("reply"),
      clientMessages: macKey("message c"),
      serviceMessages: macKey("message s"),
      clientSeal: sealKey("seal c"),
      serviceSeal: sealKey("seal s"),
    };
  } finally {
    input.fill(0);
  }
}

/** Overwrites a session's keys. */
export function wipeSessionKeys(keys: SessionKeys): void {
  for (const key of Object.values(keys) as (MacKey | Key)[]) key.wipe();
}
