/**
 * The scenes of the textbook, which leads to Kerberos from a server that believes everybody, a repair at a
 * time. The last three run; the others are told, with an attack that shows what becomes of their hole today.
 */
import type { AttackName } from "../attacks/names.js";
import type { Scene } from "../realm/scene.js";

/** One step of the way. */
export interface TextbookScene {
  /** As it is typed. */
  readonly name: string;
  readonly title: string;
  /** What runs; undefined: the scene is told. */
  readonly runs: Scene | undefined;
  /** The messages, in the textbook's notation. */
  readonly dialogue: readonly string[];
  /** What it is, and what of the scene before it mends. */
  readonly story: string;
  /** What is wrong with it. */
  readonly hole: string;
  /** The attack that shows the hole; of a scene that is told, what becomes of the hole today. */
  readonly attack: AttackName;
}

const SIX_MESSAGES = [
  "(1) C → AS:  ID_c ‖ ID_tgs ‖ TS1",
  "(2) AS → C:  E(K_c, [K_c,tgs ‖ ID_tgs ‖ TS2 ‖ Lifetime2]) ‖ Ticket_tgs",
  "(3) C → TGS: ID_v ‖ Ticket_tgs ‖ Authenticator_c",
  "(4) TGS → C: E(K_c,tgs, [K_c,v ‖ ID_v ‖ TS4]) ‖ Ticket_v",
  "(5) C → V:   Ticket_v ‖ Authenticator_c",
  "(6) V → C:   E(K_c,v, [TS5 + 1])",
];

/** The scenes, each of which mends the hole of the one before. */
export const TEXTBOOK_SCENES = [
  {
    name: "own-word",
    title: "V believes what it is told",
    runs: undefined,
    dialogue: ["C → V: ID_c"],
    story:
      "Computers were few, and each knew its users. Now they are many, on a network that anybody may join, " +
      "and a server hears from a workstation which user is sitting there. It takes the workstation's word " +
      "for it.",
    hole:
      "A workstation belongs to whoever sits at it. Mallory says that she is alice, and is alice. The " +
      "address of the workstation does not help: it can be written into a packet as easily as a name.",
    attack: "other-name",
  },
  {
    name: "password-to-all",
    title: "A password, sent to every server",
    runs: undefined,
    dialogue: ["C → V: ID_c ‖ P_c"],
    story: "So the user proves the name: V asks for a password, and looks it up in its list of users.",
    hole:
      "The password travels in clear, to every server, at every call. Whoever listens once has it; so has " +
      "every server, and whoever breaks into the least of them. And each server needs a list of all users.",
    attack: "guess",
  },
  {
    name: "one-keeper",
    title: "One server keeps the passwords, and gives tickets",
    runs: undefined,
    dialogue: [
      "C → AS: ID_c ‖ P_c ‖ ID_v",
      "AS → C: Ticket",
      "C → V:  ID_c ‖ Ticket",
      "Ticket = E(K_v, [ID_c ‖ AD_c ‖ ID_v])",
    ],
    story:
      "One authentication server, AS, knows all passwords, and shares one key with each server. It checks " +
      "the password and gives a ticket, sealed under V's key: V can open it, and knows that only AS can " +
      "have made it. Servers see no passwords any more, and AD_c says from which workstation the ticket " +
      "may be used.",
    hole:
      "The password still travels in clear to AS. And a ticket is for one server, so that alice types her " +
      "password once for mail, once for files, once for the printer, or her workstation keeps it, for " +
      "others to find.",
    attack: "roast",
  },
  {
    name: "ticket-granting",
    title: "A ticket for tickets, and a password that stays at home",
    runs: undefined,
    dialogue: [
      "C → AS:  ID_c ‖ ID_tgs",
      "AS → C:  E(K_c, [Ticket_tgs])",
      "C → TGS: ID_c ‖ ID_v ‖ Ticket_tgs",
      "TGS → C: Ticket_v",
      "C → V:   ID_c ‖ Ticket_v",
    ],
    story:
      "Two ideas. AS answers anybody, but seals the answer under K_c, a key made from alice's password: " +
      "only she can open it, and the password never leaves her workstation, which may forget it at once. " +
      "And what she gets is a ticket for one more server, the TGS, which gives her tickets for all the " +
      "others. One password a day.",
    hole:
      "Tickets are good for ever. Alice goes home; the tickets are still on the workstation, and mallory " +
      "sits down at it, or takes its address, and is alice, next week too.",
    attack: "ended-ticket",
  },
  {
    name: "lifetimes",
    title: "Tickets that end",
    runs: undefined,
    dialogue: [
      "Ticket_tgs = E(K_tgs, [ID_c ‖ AD_c ‖ ID_tgs ‖ TS1 ‖ Lifetime1])",
      "Ticket_v   = E(K_v,   [ID_c ‖ AD_c ‖ ID_v   ‖ TS2 ‖ Lifetime2])",
    ],
    story:
      "A ticket says, under its seal, when it was made and how long it is good for. A short life means " +
      "many passwords, a long one much time for thieves.",
    hole:
      "Until it ends, whoever has a ticket may use it, and it travels in clear: mallory listens, copies " +
      "it, and has hours. No life is both long enough to work with and too short to steal. What is missing " +
      "is a proof that whoever shows a ticket is the one whom it was given to.",
    attack: "stolen-ticket",
  },
  {
    name: "authenticators",
    title: "A session key in the ticket, and a proof of it with each call",
    runs: undefined,
    dialogue: [
      "AS → C: E(K_c, [K_c,tgs ‖ ID_tgs ‖ TS2 ‖ Lifetime2]) ‖ Ticket_tgs",
      "C → V:  Ticket_v ‖ Authenticator_c",
      "Authenticator_c = E(K_c,v, [ID_c ‖ AD_c ‖ TS5])",
    ],
    story:
      "The KDC makes a fresh key and gives it away twice: in the answer, sealed for alice, and in the " +
      "ticket, sealed for V. With each call alice seals her name and the time under it. V takes the key " +
      "from the ticket and opens the authenticator: whoever made it has the key, and made it just now. A " +
      "ticket alone is worth nothing, and V remembers authenticators for as long as their time is good.",
    hole: "V knows who alice is. Alice knows nothing of V: a false one at V's address takes her files and says thanks.",
    attack: "false-v",
  },
  {
    name: "textbook-ecb",
    title: "Kerberos 4 in shape: six messages, under DES in ECB mode",
    runs: "textbook-ecb",
    dialogue: SIX_MESSAGES,
    story:
      "V answers with alice's time, changed, under the session key: only somebody who could open the " +
      "ticket can do that. This is the dialogue that the textbook ends with, and Kerberos 4 in all but its " +
      "bytes. It runs here with its messages sealed in the simplest way there is, each block of 8 bytes by " +
      "itself, as programs of courses do it.",
    hole:
      "Sealing hides what is in a message, and does not keep it together. With one block of alice's ticket " +
      "in her own mallory is alice, and no key was broken.",
    attack: "cut-and-paste",
  },
  {
    name: "textbook",
    title: "The repairs of version 5, still under DES",
    runs: "textbook",
    dialogue: [
      "(1) C → AS:  Options ‖ ID_c ‖ Realm_c ‖ ID_tgs ‖ Times ‖ Nonce1 ‖ E(K_c, [TS1 ‖ Nonce1])",
      "(2) AS → C:  Realm_c ‖ ID_c ‖ Ticket_tgs ‖ E(K_c, [K_c,tgs ‖ Times ‖ Nonce1 ‖ ID_tgs])",
      "(3) C → TGS: Options ‖ ID_v ‖ Times ‖ Nonce2 ‖ Ticket_tgs ‖ Authenticator_c",
      "(4) TGS → C: Realm_c ‖ ID_c ‖ Ticket_v ‖ E(K_c,tgs, [K_c,v ‖ Times ‖ Nonce2 ‖ ID_v])",
      "(5) C → V:   Ticket_v ‖ Authenticator_c, with a subkey and a checksum of the request",
      "(6) V → C:   E(K_c,v, [TS5 ‖ Subkey ‖ Seq#])",
    ],
    story:
      "A checksum inside each seal, DES_CBC_MD5: what was cut, pasted or flipped is noticed. A nonce binds " +
      "each answer to its question, a proof of the password comes before AS answers, every sealed part " +
      "says what it is, the authenticator covers the request that it came with, and a fresh subkey " +
      "protects each call.",
    hole:
      "DES has keys of 56 bits, which can all be tried in hours, and a key is made from a password in no " +
      "time, so that a recorded login tests thousands of words a second.",
    attack: "guess",
  },
  {
    name: "standard",
    title: "The same messages under AES",
    runs: "standard",
    dialogue: SIX_MESSAGES,
    story:
      "Nothing but the encryption types is different (RFC 8009): AES with keys nobody can search for, an " +
      "HMAC over the ciphertext, a key of its own for each use, and PBKDF2 between password and key, which " +
      "makes each guess hundreds of times as dear.",
    hole:
      "What is left no cipher mends. A password on a list is found in the end; whoever steals a cache is " +
      "its owner for hours; and whoever has the TGS's key is the KDC, until the key is changed.",
    attack: "golden",
  },
] as const satisfies readonly TextbookScene[];

/** The names of the scenes. */
export const TEXTBOOK_SCENE_NAMES = TEXTBOOK_SCENES.map(({ name }) => name);

/** The name of a scene. */
export type TextbookSceneName = (typeof TEXTBOOK_SCENES)[number]["name"];
