/** What the lab's server tells its page, as JSON. A file of types alone: the page imports it. */
import type { ByteKind } from "../bytes/byte-node.js";
import type { Party } from "../parties.js";
import type { Scene } from "../realm/scene-name.js";
import type { TranscriptKey, TranscriptMessage } from "../transcript/transcript.js";

/** What the client can be asked to do. */
export type ClientStep = "login" | "ticket" | "access";

/** How everything stands: what a page is told first. */
export interface LiveNow {
  readonly state: LiveState;
  /** What travelled, and at the end what is held. */
  readonly messages: readonly LiveMessage[];
  readonly attacks: readonly LiveAttack[];
  /** What the bytes of each kind are. */
  readonly kinds: Readonly<Record<ByteKind, string>>;
}

/** How everything stands, but for what travelled. */
export interface LiveState {
  readonly scene: Scene;
  readonly realm: string;
  /** The realm's servers are being started; nothing else is possible meanwhile. */
  readonly isStarting: boolean;
  /** The time of servers and client: ISO 8601 in UTC. It stands still unless it is turned. */
  readonly time: string;
  /** By how much it was turned since the realm was started, in milliseconds. */
  readonly turnedMs: number;
  readonly password: string;
  /** Whether messages are held. */
  readonly holds: boolean;
  /** What is under way. */
  readonly running: ClientStep | "again" | null;
  /** The message that is held: its place in the list of messages. */
  readonly held: number | null;
  /** The steps that can be taken now. */
  readonly possible: readonly ClientStep[];
  /** What came of the steps, oldest first. */
  readonly outcomes: readonly LiveOutcome[];
  /** Every key that was used and is known. */
  readonly keys: readonly TranscriptKey[];
}

/** A message as it travelled, or is held. */
export interface LiveMessage {
  /** As it went on. */
  readonly message: TranscriptMessage;
  /** As it was handed over, in hex, where it was changed on the way. */
  readonly was?: string;
  /** The place of its call, by which the request is sent again. */
  readonly call: number;
  readonly isHeld: boolean;
  readonly isLost: boolean;
  /** Somebody on the way sent it, not the client. */
  readonly isAgain: boolean;
}

/** What came of a step. */
export interface LiveOutcome {
  readonly what: string;
  readonly verdict: "done" | "refused" | "failed";
  /** In one sentence. */
  readonly text: string;
  /** Who refused. */
  readonly by?: Party;
  /** `KRB_AP_ERR_REPEAT`, or the name of a gRPC status. */
  readonly reason?: string;
  /** RFC 4120's number of it. */
  readonly code?: number;
  /** Which check that is, and what it is for. */
  readonly meaning?: string;
  /** What was compared. */
  readonly compared?: Readonly<Record<string, string>>;
}

/** An attack, and how it ended where it was run. */
export interface LiveAttack {
  readonly name: string;
  readonly title: string;
  readonly topic: string;
  /** What mallory has at the start. */
  readonly has: string;
  /** What is done, what stops it, what does not. */
  readonly lesson: string;
  readonly runs: Readonly<Partial<Record<Scene, AttackRun>>>;
}

/** How an attack went. */
export interface AttackRun {
  /** What was done so far. */
  readonly steps: readonly string[];
  readonly isRunning: boolean;
  /** Undefined until it has ended, or if it failed. */
  readonly outcome?: AttackVerdict;
  /** Whether it ended as the product promises. */
  readonly isAsExpected?: boolean;
  /** Why it could not be carried out. */
  readonly failure?: string;
}

/** As an attack's `Outcome`, in a file that pages can read. */
export type AttackVerdict =
  | { readonly verdict: "ALLOWED"; readonly gained: string }
  | { readonly verdict: "BLOCKED"; readonly by: string; readonly at: string; readonly text: string };

/** Events, by their names. */
export interface LiveEvents {
  readonly now: LiveNow;
  readonly state: LiveState;
  readonly message: { readonly at: number; readonly message: LiveMessage };
  /** One that has gone a step further. */
  readonly attack: LiveAttack;
}
