/** How far a long piece of work has got, drawn on the terminal a few times a second. */
import type { Screen } from "./screen.js";

const WIDTH = 30;
/** Milliseconds between two drawings. */
const PAUSE = 100;

/** The progress of one piece of work. */
export class Progress {
  readonly #screen: Screen;
  readonly #clock: () => number;
  readonly #began: number;
  #drawnAt = Number.NEGATIVE_INFINITY;

  /** @param clock milliseconds, from any beginning. */
  constructor(screen: Screen, clock: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#clock = clock;
    this.#began = clock();
  }

  /**
   * Shows how far it has got.
   * @param done how many are done.
   * @param fraction the part that is done, from 0 to 1; undefined where nobody knows.
   */
  show(done: number, fraction: number | undefined): void {
    const now = this.#clock();
    if (now - this.#drawnAt < PAUSE) return;
    this.#drawnAt = now;
    this.#screen.showStatus(progressText(done, fraction, now - this.#began));
  }
}

/** `[#########                     ]  31%  310, 1240/s`. `elapsed` is in milliseconds. */
export function progressText(done: number, fraction: number | undefined, elapsed: number): string {
  const pace = elapsed > 0 ? `, ${Math.round((done * 1000) / elapsed)}/s` : "";
  if (fraction === undefined) return `${done}${pace}`;
  const bar = "#".repeat(Math.round(fraction * WIDTH)).padEnd(WIDTH);
  return `[${bar}] ${String(Math.floor(fraction * 100)).padStart(3)}%  ${done}${pace}`;
}
