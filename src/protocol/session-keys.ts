/**
 * The keys of a session (session.proto), which both sides derive from the two subkeys of the AP exchange that
 * made it and from the bytes of that exchange as they travelled.
 */
import type { EncryptionType, RandomSource } from "../crypto/encryption-type.js";
import { sha256Latin1 } from "../crypto/hash.js";
import { hkdfExpand, hkdfExtract } from "../crypto/hkdf.js";
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
  /** Overwrites them all. */
  wipe(): void;
}

/** Derives a session's keys (RFC 5869, with SHA-256); they are the caller's. */
export function deriveSessionKeys(origin: SessionOrigin): SessionKeys {
  return new DerivedSessionKeys(origin);
}

/**
 * What a call needs is derived at once; the rest when it is first asked for: most sessions protect no
 * messages, and a service holds many.
 */
class DerivedSessionKeys implements SessionKeys {
  readonly call: MacKey;
  readonly reply: MacKey;
  readonly #etype: EncryptionType;
  readonly #extracted: Uint8Array;
  /** The hashes of the exchange, as Latin-1. */
  readonly #exchange: string;
  #clientMessages: MacKey | undefined;
  #serviceMessages: MacKey | undefined;
  #clientSeal: Key | undefined;
  #serviceSeal: Key | undefined;

  constructor({ clientSubkey, serviceSubkey, id, apReq, apRep }: SessionOrigin) {
    this.#etype = clientSubkey.etype;
    const client = clientSubkey.exportBytes();
    const service = serviceSubkey.exportBytes();
    this.#extracted = hkdfExtract(id, client, service);
    client.fill(0);
    service.fill(0);
    this.#exchange = sha256Latin1(apReq) + sha256Latin1(apRep);
    this.call = this.#macKey("call");
    this.reply = this.#macKey("reply");
  }

  get clientMessages(): MacKey {
    this.#clientMessages ??= this.#macKey("message c");
    return this.#clientMessages;
  }

  get serviceMessages(): MacKey {
    this.#serviceMessages ??= this.#macKey("message s");
    return this.#serviceMessages;
  }

  get clientSeal(): Key {
    this.#clientSeal ??= this.#sealKey("seal c");
    return this.#clientSeal;
  }

  get serviceSeal(): Key {
    this.#serviceSeal ??= this.#sealKey("seal s");
    return this.#serviceSeal;
  }

  /** Overwrites the keys, and what others would be derived from. */
  wipe(): void {
    this.#extracted.fill(0);
    this.call.wipe();
    this.reply.wipe();
    this.#clientMessages?.wipe();
    this.#serviceMessages?.wipe();
    this.#clientSeal?.wipe();
    this.#serviceSeal?.wipe();
  }

  #macKey(label: string): MacKey {
    return new MacKey(this.#derive(label, MAC_KEY_SIZE));
  }

  #sealKey(label: string): Key {
    const bytes = this.#derive(label, this.#etype.keySize);
    try {
      return new Key(this.#etype, bytes);
    } finally {
      bytes.fill(0);
    }
  }

  #derive(label: string, size: number): Uint8Array {
    const info = Buffer.from(`${INFO}\0${label}\0${this.#exchange}`, "latin1");
    return hkdfExpand(this.#extracted, info, size);
  }
}
