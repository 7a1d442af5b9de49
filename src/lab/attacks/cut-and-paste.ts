/**
 * Cut and paste on DES_ECB: a ticket of one's own, with one block of somebody else's.
 *
 * Mallory can write down the plaintext of her own ticket, since she was told all that is in it: so she knows
 * in which blocks it differs from alice's (`FIGURE`).
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EncTicketPartSchema, SealedPartSchema, TicketSchema } from "../../gen/kerberos/v1/sealed_pb.js";
import type { Credentials } from "../../protocol/credentials.js";
import { toEncryptionKey } from "../../protocol/encryption-key.js";
import { toTimestamp } from "../../protocol/kerberos-time.js";
import { componentsOf, type Principal } from "../../protocol/principal.js";
import { canonicalFlags } from "../../protocol/ticket-flags.js";
import type { LabRealm, LabUser } from "../realm/lab-realm.js";
import type { Scene } from "../realm/scene.js";
import { type Attack, attempt, type Told } from "./attack.js";
import { askWhoIAm } from "./means/access.js";
import { signUp } from "./means/accomplice.js";
import { listenTo } from "./means/listening.js";

/** A DES block, in bytes. */
const BLOCK = 8;

/** What stands before the plaintext: confounder and checksum (RFC 3961 §6.2), confounder (RFC 8009 §5). */
const BEFORE: Readonly<Record<Scene, number>> = { "textbook-ecb": 0, textbook: 24, standard: 16 };

/** The first six blocks of a ticket for V, of a client of five letters. */
const FIGURE = [
  "block  alvin's ticket             alice's ticket",
  "  0    1a .. 0a 01 0a 12 15 08    the same             flags; the key begins: its type …",
  "  1    ff ff ff ff ff ff ff ff    the same             … is -1",
  "  2    ff 01 12 08 k0 k1 k2 k3    another key          the session key: mallory knows alvin's",
  "  3    k4 k5 k6 k7 1a 12  a  l    another key          the client's name: 18 letters",
  "  4     v  i  n  @  E  X  A  M     i  c  e  @  E  X  A  M   ← this block is pasted",
  "  5     P  L  E  .  T  E  S  T    the same             then the times, and V's name",
];

/** The row. */
export const cutAndPaste: Attack = {
  name: "cut-and-paste",
  title: "A block of alice's ticket, pasted into a ticket of one's own",
  topic: "unauthenticated encryption",
  has: "what travels on the wire, and an account under a name of her choice: five letters, the first two alice's",
  lesson:
    "In ECB equal blocks encrypt to equal blocks, wherever they stand, and nothing holds them together: whoever " +
    "has two ciphertexts under one key can make a third, without the key. Mallory signs up under a name that is " +
    "as long as alice's and begins with the same two letters, so that the two tickets differ, as far as names " +
    "go, in one block. She gets a ticket for V, in which she knows the session key; listens until alice calls V; " +
    "and puts that one block of alice's ticket into her own. V opens it with its key, finds it well formed, and " +
    "takes its holder for alice. Strict decoding does not help: there is nothing wrong with the plaintext. What " +
    "helps is a check over the whole of it, under a key: the MD5 inside DES_CBC_MD5 notices the block that does " +
    "not belong, and in the profile standard an HMAC does so before anything is decrypted. Encryption keeps " +
    "secrets; it does not say who wrote them.",
  figure: FIGURE,
  expected: {
    "textbook-ecb": "ALLOWED",
    textbook: ["KRB_AP_ERR_BAD_INTEGRITY", "V"],
    standard: ["KRB_AP_ERR_BAD_INTEGRITY", "V"],
  },
  async run(realm, told) {
    const { alice } = realm.users;
    const { heard } = await listenTo(realm, alice);
    told(`alice writes a note at V; mallory hears her ticket: ${heard.ticket.length} bytes she can't open`);
    const own = await ownTicket(realm, alice, told);
    const forged = pasted(own, heard.ticket, alice.principal, BEFORE[realm.scene], told);
    told("mallory calls V with it, the authenticator under the session key of her own ticket");
    return attempt("V", async () => {
      const client = await askWhoIAm(realm, { ...own, client: alice.principal, ticket: forged });
      if (client !== alice.principal) throw new Error(`V took the caller for ${client}`);
      return `V takes mallory for ${client}: she reads and writes alice's notes`;
    });
  },
};

/** A ticket for V of a user who is as near to the victim, by name, as the attack needs. */
async function ownTicket(realm: LabRealm, victim: LabUser, told: Told): Promise<Credentials> {
  const name = componentsOf(victim.principal)[0]!;
  const { principal, password } = await signUp(realm, namesLike(name));
  told(`mallory signs up as ${principal}, logs in and gets a ticket for V`);
  const client = realm.client();
  await client.login(principal, password);
  return client.serviceTicket(realm.service);
}

/** Names with the same length and the same first two letters: alvin, then alaaa, alaab … */
function* namesLike(name: string): Generator<string> {
  if (name === "alice") yield "alvin";
  const free = name.length - 2;
  for (let i = 0; i < 26 ** Math.min(free, 3); i++) {
    const letters = [...i.toString(26)]
      .map((digit) => (Number.parseInt(digit, 26) + 10).toString(36))
      .join("");
    const made = name.slice(0, 2) + letters.padStart(free, "a");
    if (made !== name) yield made;
  }
}

/** One's own ticket with those blocks of another's in which the names differ. */
function pasted(
  own: Credentials,
  others: Uint8Array,
  victim: Principal,
  before: number,
  told: Told,
): Uint8Array {
  const plaintext = plaintextOf(own);
  const nameAt = Buffer.from(plaintext).indexOf(own.client, 0, "latin1");
  const differs = [...own.client]
    .map((letter, i) => (letter === victim[i] ? -1 : nameAt + i))
    .filter((i) => i >= 0);
  const first = Math.floor(differs[0]! / BLOCK);
  const last = Math.floor(differs.at(-1)! / BLOCK);
  const [from, to] = [first * BLOCK, (last + 1) * BLOCK];
  told(
    `she knows what is in her own: the name begins at byte ${nameAt}, and differs from alice's in block ${first}`,
  );
  const ticket = fromBinary(TicketSchema, own.ticket);
  const source = fromBinary(TicketSchema, others).encPart!.cipher;
  const cipher = Uint8Array.from(ticket.encPart!.cipher);
  const cut = source.subarray(before + from, before + to);
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  told(
    `bytes ${before + from} to ${before + to - 1}: ${hex(cipher.subarray(before + from, before + to))} → ${hex(cut)}`,
  );
  cipher.set(cut, before + from);
  return toBinary(TicketSchema, { ...ticket, encPart: { ...ticket.encPart!, cipher } });
}

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
