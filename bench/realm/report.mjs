// What a run prints: lines as they come, or JSON at the end; a target reached or missed beside what has one.

export const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

export class Report {
  #json;
  #rows = [];

  constructor(json) {
    this.#json = json;
  }

  head(text) {
    if (this.#json) this.#rows.push({ text });
    else console.log(`\n${text}`);
  }

  /** @param figures numbers by their names. @param target the most that the figure of that name should be. */
  row(name, figures, target) {
    const [of, most] = target ?? [];
    const isReached = target === undefined ? undefined : figures[of] <= most;
    this.#rows.push({ name, ...figures, ...(target && { target: { of, most, isReached } }) });
    if (this.#json) return;
    const cells = Object.entries(figures).map(([key, value]) => `${key} ${shown(value)}`);
    const goal = target === undefined ? "" : `  at most ${most}: ${isReached ? "reached" : "MISSED"}`;
    console.log(`  ${name.padEnd(46)} ${cells.join(", ")}${goal}`);
  }

  /** What is under way, where a person looks on. */
  progress(text) {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  }

  end() {
    this.progress("");
    if (this.#json) console.log(JSON.stringify(this.#rows, undefined, 2));
  }
}

function shown(value) {
  if (value === undefined) return "–";
  return value < 20 ? value.toFixed(2) : value.toFixed(0);
}
