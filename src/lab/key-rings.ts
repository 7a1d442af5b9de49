/**
 * Who holds which key. Who can open a part is tried, not asserted, with the keys each party holds at that
 * moment; a party learns the keys inside every part that it opens in a message it sent or received.
 */
import type { Message } from "@bufbuild/protobuf";
import type { EncryptedData } from "../gen/kerberos/v1/encryption_pb.js";
import { etypeOf } from "../protocol/etypes.js";
import { Key } from "../protocol/keys.js";
import type { MessageRow, SealedRow } from "./dialogue.js";
import { tryOpen } from "./open-part.js";
import type { KeySymbol, Party } from "./parties.js";

/** The keys that each known party holds; they grow as messages are opened, one after the other. */
export type KeyRings = Map<Party, Map<KeySymbol, Key>>;

/** A part as whoever could open it found it. */
export interface OpenedByParties {
  /** The parties whose keys opened it. */
  readonly opens: readonly Party[];
  /** The parties whose keys did not. */
  readonly closed: readonly Party[];
  /** What is inside, and the key that opened it, if there is one. */
  readonly inside: { readonly message: Message; readonly key: Key } | undefined;
}

/** Tries every party's keys on a part of a message; whoever sent or received it learns the keys inside. */
export function openByParties(
  { from, to }: MessageRow,
  row: SealedRow,
  data: EncryptedData,
  rings: KeyRings,
): OpenedByParties {
  const opens: Party[] = [];
  let inside: OpenedByParties["inside"];
  for (const [party, ring] of rings) {
    const opened = openWith(ring, row, data);
    if (opened === undefined) continue;
    opens.push(party);
    if (party === from || party === to) learn(ring, row, opened.message);
    inside ??= opened;
  }
  return { opens, closed: [...rings.keys()].filter((party) => !opens.includes(party)), inside };
}

/** Tries every key of a ring, as a party that guesses would. */
function openWith(
  ring: ReadonlyMap<KeySymbol, Key>,
  { part, usage }: SealedRow,
  data: EncryptedData,
): OpenedByParties["inside"] {
  for (const key of ring.values()) {
    const message = tryOpen(key, part, usage, data);
    if (message !== undefined) return { message, key };
  }
  return undefined;
}

/** Adds the keys that a party finds in a part. */
function learn(ring: Map<KeySymbol, Key>, row: SealedRow, part: Message): void {
  const { key, subkey } = part as { key?: KeyMessage; subkey?: KeyMessage };
  const session: KeySymbol = row.symbol === "Ticket_v" || row.part === "encTgsRepPart" ? "K_c,v" : "K_c,tgs";
  if (key !== undefined) ring.set(session, keyOf(key));
  if (subkey !== undefined) ring.set(row.part === "encApRepPart" ? "Subkey_v" : "Subkey_c", keyOf(subkey));
}

interface KeyMessage {
  readonly etype: number;
  readonly key: Uint8Array;
}

function keyOf({ etype, key }: KeyMessage): Key {
  return new Key(etypeOf(etype), key);
}
