/** What an attack is: one file that carries it out, and one row of the table (table.ts). */
import { KrbError, type KrbErrorName } from "../../protocol/krb-error.js";
import type { LabRealm } from "../realm/lab-realm.js";
import type { Scene } from "../realm/scene.js";
import type { AttackName } from "./names.js";

/** Who checks: the client, a server of the realm, or the guard of another service. */
export type Checker = "C" | "AS" | "TGS" | "V" | "guard";

/** How an attack ended. */
export type Outcome =
  | {
      readonly verdict: "ALLOWED";
      /** What mallory has now, in a sentence. */
      readonly gained: string;
    }
  | {
      readonly verdict: "BLOCKED";
      /** The refusal. */
      readonly by: KrbErrorName;
      /** Who refused. */
      readonly at: Checker;
      readonly text: string;
    };

/** The verdict of a scene: ALLOWED, or the refusal that blocks and who makes it. */
export type Expected = "ALLOWED" | readonly [by: KrbErrorName, at: Checker];

/** What may be chosen for a run. */
export interface AttackChoice {
  /** The words to guess a password from; a short list of common ones by default. */
  readonly words?: readonly string[] | undefined;
}

/** Told of each step as it is taken. */
export type Told = (step: string) => void;

/** An attack on a lab's realm. Mallory carries it out; alice is who suffers from it. */
export interface Attack {
  /** As it is typed: `cut-and-paste`. */
  readonly name: AttackName;
  readonly title: string;
  readonly topic: Topic;
  /** What mallory has at the start, in a sentence. */
  readonly has: string;
  /** The paragraph that explains it: what is done, what stops it, what does not. */
  readonly lesson: string;
  /** What words can't show: lines of text, at most 90 characters each. */
  readonly figure?: readonly string[];
  readonly expected: Readonly<Record<Scene, Expected>>;
  /**
   * Carries it out against real servers.
   * @throws Error if something other than a refusal comes in its way.
   */
  run(realm: LabRealm, told: Told, choice?: AttackChoice): Promise<Outcome>;
}

/** What attacks are about, in the order in which they are shown. */
export const TOPICS = [
  "unauthenticated encryption",
  "replays",
  "passwords",
  "false servers and altered messages",
  "tickets in the wrong hands",
  "guarded calls",
  "stolen keys",
] as const;

/** One of these. */
export type Topic = (typeof TOPICS)[number];

/**
 * The attempt that decides: what it gives is what was gained; a KrbError is what blocks.
 * @param at who checks.
 */
export async function attempt(at: Checker, run: () => Promise<string>): Promise<Outcome> {
  try {
    return { verdict: "ALLOWED", gained: await run() };
  } catch (error) {
    if (!(error instanceof KrbError)) throw error;
    return { verdict: "BLOCKED", by: error.reason, at, text: error.message };
  }
}

/** The same verdict in every scene. */
export function everywhere(expected: Expected): Attack["expected"] {
  return { "textbook-ecb": expected, textbook: expected, standard: expected };
}

/** Whether an attack ended as its row says. */
export function isAsExpected(outcome: Outcome, expected: Expected): boolean {
  if (outcome.verdict === "ALLOWED" || expected === "ALLOWED") return outcome.verdict === expected;
  return outcome.by === expected[0] && outcome.at === expected[1];
}
