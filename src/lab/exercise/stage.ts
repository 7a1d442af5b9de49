/** What a stage is. The table of all is stage-table.ts. */
import type { Bench } from "./bench.js";

/** One of the twelve stages. */
export interface Stage {
  /** What the server does: `refuses a replayed authenticator`. */
  readonly title: string;
  /** What asks for it: `RFC 4120 §3.2.3`. */
  readonly clause: string;
  /** The section of docs/protocol.md that says how it is here. */
  readonly section: string;
  /** What to look at where it fails. */
  readonly hint: string;
  /** Tries the server. Throws StageFailed at the first thing that is not as expected. */
  run(bench: Bench): Promise<void>;
}
