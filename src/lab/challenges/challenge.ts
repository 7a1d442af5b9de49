/** What a challenge is. Each has a file of its own and a row in challenge-table.ts. */
import type { Scene } from "../realm/scene.js";

/** How hard a challenge is. */
export type Level = "easy" | "medium" | "hard";

/** What every challenge has. No text of it holds the solution, hints apart. */
export interface ChallengeText {
  /** As it is typed: `whose-ticket`. */
  readonly name: string;
  readonly title: string;
  readonly level: Level;
  /** What the flag is worth without hints: a multiple of ten. */
  readonly points: number;
  /** What there is and what is wanted, in whole sentences. */
  readonly task: string;
  /** From a nudge to nearly the answer; each costs a fifth of the points. */
  readonly hints: readonly string[];
  /** What one knows afterwards: shown once the flag was handed in. */
  readonly lesson: string;
}

/** Files by their names, as the learner finds them. */
export type ChallengeFiles = Readonly<Record<string, string | Uint8Array>>;

/** A challenge of files alone: the flag is sealed in them by the product's own cryptography. */
export interface FileChallenge extends ChallengeText {
  readonly kind: "files";
  /**
   * Makes the files.
   * @param flag what their reader is to find.
   * @param now milliseconds since the epoch.
   */
  make(flag: string, now: number): Promise<ChallengeFiles>;
}

/** What a challenge with a realm is started with. */
export interface Stage {
  /** What whoever solves it is to find. */
  readonly flag: string;
  /** The challenge's own scene, or `standard`: the same realm with nothing left out. */
  readonly scene: "lesson" | "standard";
  /** The learner's folder for this challenge: for files that the learner writes while the realm runs. */
  readonly folder: string;
  /** Writes a file of the challenge anew while the realm runs. Throws PrivateFileError. */
  readonly put: (name: string, contents: string | Uint8Array) => Promise<void>;
  /** Told what happens while the realm runs; the flag too, where the realm itself gives it away. */
  readonly told: (text: string) => void;
}

/** A realm that stands ready to be attacked. */
export interface RunningChallenge {
  /** What the learner is given: addresses, passwords, recordings. */
  readonly files: ChallengeFiles;
  /** Ends the servers. */
  close(): Promise<void>;
}

/** A challenge with a realm that runs while it is solved. */
export interface RealmChallenge extends ChallengeText {
  readonly kind: "realm";
  /** The scene of its realm. */
  readonly scene: Scene;
  /** Starts the realm's servers on free ports of loopback. What it throws leaves nothing running. */
  start(stage: Stage): Promise<RunningChallenge>;
}

/** A challenge. */
export type Challenge = FileChallenge | RealmChallenge;
