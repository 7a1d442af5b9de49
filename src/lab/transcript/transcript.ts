/**
 * A dialogue as plain data: every message byte by byte, and what is sealed in it, opened. What pages show,
 * and what `tessera trace --json` prints. A file of types alone: pages import it.
 */
import type { ByteNode } from "../bytes/byte-node.js";
import type { KeySymbol, Party } from "../parties.js";
import type { Scene } from "../realm/scene-name.js";

/** A dialogue. */
export interface Transcript {
  readonly version: 1;
  readonly title: string;
  readonly scene: Scene;
  readonly realm: string;
  /** Every key that was used and is known. */
  readonly keys: readonly TranscriptKey[];
  /** In the order in which they travelled. */
  readonly messages: readonly TranscriptMessage[];
}

/** A key of the dialogue. */
export interface TranscriptKey {
  readonly symbol: KeySymbol;
  /** `des-cbc-md5`. */
  readonly etype: string;
  readonly hex: string;
  readonly heldBy: readonly KeyHolder[];
}

/** Who holds a key, and since when. */
export interface KeyHolder {
  readonly party: Party;
  /**
   * 0: from the start. Otherwise the place of the message, from 1, with which the party made or learnt it.
   */
  readonly since: number;
}

/** A message. */
export interface TranscriptMessage {
  /** The textbook's number, 1 to 6. */
  readonly number: number;
  /** `AS-REQ` */
  readonly rfc: string;
  readonly textbook: string;
  readonly from: Party;
  readonly to: Party;
  /** `kerberos.v1.AuthenticationService/Authenticate` */
  readonly call: string;
  /** When it was sent or received by the client: ISO 8601 in UTC. */
  readonly at: string;
  /** What travelled; empty if the call was refused. */
  readonly hex: string;
  readonly tree: ByteNode;
  readonly sealed: readonly TranscriptPart[];
  /** Why the call was refused; only on the message that would have been its answer. */
  readonly refusal?: TranscriptRefusal;
}

/** Something sealed in a message. */
export interface TranscriptPart {
  /** The field of the message that holds it. */
  readonly field: string;
  /** Where the ciphertext is in the message: bytes from its start. */
  readonly at: number;
  /** Length of the ciphertext in bytes. */
  readonly length: number;
  readonly symbol: string;
  readonly notation: string;
  readonly key: KeySymbol;
  readonly etype: string;
  /** Version of the long-term key; 0 for session keys and subkeys. */
  readonly kvno: number;
  /** Key usage (RFC 4120 §7.5.1). */
  readonly usage: number;
  /** Who can open it when it travels. */
  readonly opensFor: readonly Party[];
  /** Everything under the seal, with confounder, checksum and padding; nothing if no known key opens it. */
  readonly opened?: OpenedPart;
  /** Equal blocks of 8 bytes in the ciphertext, by their offsets in it. */
  readonly equalBlocks: readonly (readonly number[])[];
}

/** What was under a seal. */
export interface OpenedPart {
  readonly hex: string;
  readonly tree: ByteNode;
}

/** A refusal (RFC 4120 §7.5.9). */
export interface TranscriptRefusal {
  /** `KRB_AP_ERR_REPEAT`; the gRPC status if it is no refusal of Kerberos. */
  readonly reason: string;
  readonly code: number;
  readonly text: string;
}
