/** Tickets as rows of blocks: what is in one's own, and blocks of one put into another. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EncTicketPartSchema, SealedPartSchema, TicketSchema } from "../../../gen/kerberos/v1/sealed_pb.js";
import type { Credentials } from "../../../protocol/credentials.js";
import { toEncryptionKey } from "../../../protocol/encryption-key.js";
import { toTimestamp } from "../../../protocol/kerberos-time.js";
import type { Principal } from "../../../protocol/principal.js";
import { canonicalFlags } from "../../../protocol/ticket-flags.js";
import type { Scene } from "../../realm/scene.js";
import type { Told } from "../attack.js";

/** A DES block, in bytes. */
const BLOCK = 8;

/** What stands before the plaintext: confounder and checksum (RFC 3961 §6.2), confounder (RFC 8009 §5). */
const BEFORE: Readonly<Record<Scene, number>> = { "textbook-ecb": 0, textbook: 24, standard: 16 };

/** The plaintext of one's own ticket, from what the KDC said of it. */
function plaintextOf(own: Credentials): Uint8Array {
  const value = create(EncTicketPartSchema, {
    flags: canonicalFlags(own.flags),
    key: toEncryptionKey(own.key),
    client: own.client,
    authtime: toTimestamp(own.authtime),
    starttime: toTimestamp(own.starttime),
    endtime: toTimestamp(own.endtime),
    server: own.server,
  });
  return toBinary(SealedPartSchema, create(SealedPartSchema, { part: { case: "encTicketPart", value } }));
}

/** Some whole blocks of a plaintext, in bytes from its start. */
export interface Blocks {
  readonly from: number;
  readonly to: number;
}

/** The blocks of one's own ticket that would be others if it named the victim. */
export function blocksThatDiffer(own: Credentials, victim: Principal, told: Told): Blocks {
  const nameAt = Buffer.from(plaintextOf(own)).indexOf(own.client, 0, "latin1");
  const differs = [...own.client].flatMap((letter, i) => (letter === victim[i] ? [] : [nameAt + i]));
  const first = Math.floor(differs[0]! / BLOCK);
  const last = Math.floor(differs.at(-1)! / BLOCK);
  const which = first === last ? `block ${first}` : `blocks ${first} to ${last}`;
  told(
    `she knows what is in ${own.client}'s: the name begins at byte ${nameAt}, and differs from alice's in ${which}`,
  );
  return { from: first * BLOCK, to: (last + 1) * BLOCK };
}

/** A ticket with some blocks of another. */
export function pasted(
  scene: Scene,
  ticket: Uint8Array,
  other: Uint8Array,
  blocks: Blocks,
  told: Told,
): Uint8Array {
  const [from, to] = [BEFORE[scene] + blocks.from, BEFORE[scene] + blocks.to];
  const into = fromBinary(TicketSchema, ticket);
  const cipher = Uint8Array.from(into.encPart!.cipher);
  const cut = fromBinary(TicketSchema, other).encPart!.cipher.subarray(from, to);
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  told(`bytes ${from} to ${to - 1}: ${hex(cipher.subarray(from, to))} → ${hex(cut)}`);
  cipher.set(cut, from);
  return toBinary(TicketSchema, { ...into, encPart: { ...into.encPart!, cipher } });
}
