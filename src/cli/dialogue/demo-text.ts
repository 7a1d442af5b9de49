/** The demonstration in words: as text for a person, as facts for a program. */

import type { AttackReport } from "../../lab/attacks/run-attack.js";
import type { KeyRings } from "../../lab/key-rings.js";
import type { KeySymbol } from "../../lab/parties.js";
import type { LabRealm } from "../../lab/realm/lab-realm.js";
import { formatDuration } from "../../protocol/duration.js";
import type { ProfileName } from "../../protocol/profile.js";
import { outcomeLines, reportFacts } from "../lab/attack-text.js";
import { columns } from "../screen/layout.js";
import { weakNames } from "../screen/weakness.js";
import { messageLines, type PrintableMessage, type TextStyle, titleLines } from "./render.js";

/** What happened in a demonstration. */
export interface Demonstration {
  readonly realm: LabRealm;
  readonly profile: ProfileName;
  /** The six messages, then the two of the second call. */
  readonly messages: readonly PrintableMessage[];
  readonly refusals: readonly RefusedAttempt[];
  /** Blocks pasted into a ticket: under DES_ECB, then in this realm. */
  readonly lesson: readonly AttackReport[];
  /** The text of the note as V returned it. */
  readonly note: string | undefined;
  /** The keys that each party holds at the end. */
  readonly rings: KeyRings;
}

/** An attempt that was refused. */
export interface RefusedAttempt {
  readonly attempt: string;
  readonly how: string;
  readonly reason: string;
  readonly code: number;
  readonly text: string;
}

/** The demonstration for `--json`. */
export function demonstrationFacts({ realm, profile, messages, refusals, lesson, note }: Demonstration) {
  const { users, service, kdc, address } = realm;
  const client = users.alice.principal;
  const addresses = { ...kdc, v: address };
  return {
    realm: realm.realm,
    profile,
    client,
    service,
    addresses,
    messages,
    refusals,
    lesson: lesson.map(reportFacts),
    note,
  };
}

/** The demonstration as text. */
export function demonstrationLines(
  { realm, profile, messages, refusals, lesson, note, rings }: Demonstration,
  style: TextStyle,
): string[] {
  const weak = weakNames(profile);
  return [
    ...titleLines(`Realm ${realm.realm} for a few seconds, profile ${profile}`, style),
    ...columns([
      ["C", realm.users.alice.principal, "logs in with a password"],
      ["AS", realm.kdc.as, "authentication server: knows K_c and K_tgs"],
      ["TGS", realm.kdc.tgs, "ticket granting server: knows K_tgs and K_v"],
      ["V", realm.address, `${realm.service}: knows K_v from its keytab`],
    ]),
    ...(weak === "" ? [] : [`Weak encryption, for learning: ${weak}`]),
    "",
    ...titleLines("The six messages, as they travelled", style),
    ...messages.slice(0, 6).flatMap((message) => messageLines(message, style)),
    ...titleLines("The second call needs no other ticket", style),
    ...messages.slice(6).map(briefLine),
    `V answered with the note, under seal: ${JSON.stringify(note)}`,
    "",
    ...titleLines("Who holds which key at the end", style),
    ...keyTable(rings),
    "",
    ...titleLines("The times", style),
    ...timeTable(messages.slice(0, 6)),
    "",
    ...titleLines("Three attempts, refused", style),
    ...refusals.flatMap(({ attempt, how, reason, code, text }) => [
      `${attempt}: ${how}`,
      `    → ${reason} (${code}): ${text}`,
    ]),
    "",
    ...titleLines("One more attempt, where nothing holds the blocks together", style),
    `${lesson[0]!.attack.title}: tessera attack run ${lesson[0]!.attack.name}`,
    ...lesson.flatMap(({ scene, outcome }, i) => [
      i === 0 ? "in a realm with keys of DES_ECB:" : `in this one, profile ${scene}:`,
      ...outcomeLines(outcome),
    ]),
    "",
    "The realm is removed. Make one that stays: npx tessera realm create",
  ];
}

function briefLine({ number, from, to, textbook, bytes, at }: PrintableMessage): string {
  return `(${number}) ${from} → ${to}: ${textbook}, ${bytes} bytes, ${at.slice(11, 23)} UTC`;
}

const KEY_ORDER: readonly KeySymbol[] = ["K_c", "K_tgs", "K_v", "K_c,tgs", "K_c,v", "Subkey_c", "Subkey_v"];

function keyTable(rings: KeyRings): string[] {
  const rows = [...rings].map(([party, ring]) => [
    party,
    ...KEY_ORDER.map((symbol) => (ring.has(symbol) ? "x" : "").padEnd(symbol.length)),
  ]);
  return columns([["", ...KEY_ORDER], ...rows, ["who listens", ""]]);
}

/** Every time TS of the dialogue once, with the first message that holds it. */
function timeTable(messages: readonly PrintableMessage[]): string[] {
  const rows = new Map<string, string[]>();
  for (const { number, clear, sealed } of messages) {
    const fields = [...clear, ...sealed.flatMap(({ contents }) => contents ?? [])];
    const start = fields.find(({ name }) => name === "starttime")?.value;
    for (const { symbol, value } of fields) {
      if (symbol === undefined || !symbol.startsWith("TS") || rows.has(symbol)) continue;
      const life =
        symbol.includes("+") && start !== undefined ? Date.parse(value) - Date.parse(start) : undefined;
      const note = life === undefined ? "" : `a life of ${formatDuration(Math.round(life / 1000) * 1000)}`;
      rows.set(symbol, [symbol, value, `in message (${number})${note === "" ? "" : `, ${note}`}`]);
    }
  }
  return columns([...rows.values()]);
}
