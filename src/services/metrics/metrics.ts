/**
 * What servers and guards tell of themselves as figures. Whoever counts knows nothing of who reads:
 * Prometheus is behind this seam in prometheus.ts, and anything else may be.
 */
import type { FigureName } from "./catalogue.js";

/** Takes figures. A server goes on where a member throws. */
export interface Metrics {
  /** An exchange of AS, TGS or V has ended. */
  exchange(ended: EndedExchange): void;
  /** A guarded call was decided, or ended. */
  guardedCall(decided: GuardedCall): void;
  /** The replay cache was asked. */
  replayCheck(outcome: ReplayOutcome): void;
  /**
   * Has figures asked for whenever somebody reads.
   * @returns what ends that.
   */
  watch(look: Look): () => void;
}

/** An exchange that has ended. */
export interface EndedExchange {
  readonly exchange: string;
  /** `OK`, RFC 4120's name of the refusal, or the name of a gRPC code. */
  readonly reason: string;
  /** The numbers of the encryption types at work, by what they seal. */
  readonly etypes: Readonly<Record<string, number>> | undefined;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}

/** What became of a guarded call. */
export interface GuardedCall {
  /** Its full name: `/orders.v1.OrderService/Place`. */
  readonly method: string;
  /** As for exchanges. */
  readonly reason: string;
  /** Whether it was let in before, and is ended now. */
  readonly wasLetIn: boolean;
  /** How long the decision took from the call's headers on, in milliseconds. */
  readonly ms: number;
}

/** What a replay cache says to an authenticator. */
export type ReplayOutcome = "new" | "repeat" | "closed" | "full" | "unreachable";

/** A figure of this moment. */
export interface Figure {
  readonly name: FigureName;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Gives figures; those that can't be had are left out. */
export type Look = () => readonly Figure[] | Promise<readonly Figure[]>;
