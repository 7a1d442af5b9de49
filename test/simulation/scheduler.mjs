/**
 * Simulated time: things that happen at a millisecond, in the order of their times and then of their making.
 * Between two of them everything that they set off runs to its end: promises and next ticks, but no timers.
 */

const turn = setImmediate;

export class Scheduler {
  /** Milliseconds since the epoch: whole ones. */
  now;
  /** A binary heap. */
  #heap = [];
  #made = 0;

  constructor(now) {
    this.now = now;
  }

  /** Does something later; `cancel` of what it returns has it not be done. */
  after(ms, run) {
    const at = this.now + Math.max(0, Math.ceil(Number(ms) || 0));
    const event = { at, order: this.#made++, run, cancel: () => (event.run = undefined) };
    this.#push(event);
    return event;
  }

  /** Lets time pass, in simulated milliseconds. */
  sleep(ms) {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Lets things happen until `isOver` says so, or nothing is left to happen. */
  async run(isOver) {
    await settled();
    while (this.#heap.length > 0 && !isOver()) {
      const { at, run } = this.#pop();
      if (run === undefined) continue;
      this.now = at;
      run();
      await settled();
    }
  }

  #push(event) {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(event, heap[above])) break;
      heap[at] = heap[above];
      at = above;
    }
    heap[at] = event;
  }

  #pop() {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1], heap[below])) below++;
      if (!isBefore(heap[below], last)) break;
      heap[at] = heap[below];
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a, b) {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Node runs promises and next ticks before this comes. */
function settled() {
  return new Promise((resolve) => turn(resolve));
}
