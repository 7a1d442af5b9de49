// Which mutants a room has, and a sample of them. Stryker takes a sample as places,
// `file:line:column-line:column`, and makes every mutant that lies within one.

/** @typedef {{ line: number, column: number }} Position lines and columns count from 1 */
/** @typedef {{ start: Position, end: Position }} Location */
/** @typedef {{ fileName: string, location: Location }} Placed */

/**
 * A place that holds more mutants than this is not drawn: the body of a large function would bring half a
 * file along.
 */
const MOST_AT_A_PLACE = 8;

/**
 * Places drawn by chance until they hold `size` mutants, or every place that may be drawn.
 *
 * @template {Placed} M
 * @param {readonly M[]} mutants of the whole room
 * @param {number} size
 * @param {number} seed the same seed draws the same places from the same source
 * @returns {string[]}
 */
export function drawPlaces(mutants, size, seed) {
  const places = new Map(mutants.map((mutant) => [placeOf(mutant), mutant]));
  const drawn = new Set();
  const chosen = [];
  for (const [place, at] of shuffle([...places], seed)) {
    if (drawn.size >= size) break;
    const held = mutants.filter((mutant) => holds(at, mutant));
    if (held.length > MOST_AT_A_PLACE) continue;
    if (held.some((mutant) => !drawn.has(mutant))) chosen.push(place);
    for (const mutant of held) drawn.add(mutant);
  }
  return chosen.sort();
}

/**
 * A mutant's place as Stryker reads it: its columns count from 0.
 *
 * @param {Placed} mutant
 */
export function placeOf({ fileName, location: { start, end } }) {
  return `${fileName}:${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`;
}

/** @param {Placed} outer @param {Placed} inner */
function holds(outer, inner) {
  return (
    outer.fileName === inner.fileName &&
    !isBefore(inner.location.start, outer.location.start) &&
    !isBefore(outer.location.end, inner.location.end)
  );
}

/** @param {Position} a @param {Position} b */
function isBefore(a, b) {
  return a.line < b.line || (a.line === b.line && a.column < b.column);
}

/**
 * Fisher and Yates' shuffle.
 *
 * @template T
 * @param {T[]} items
 * @param {number} seed
 */
function shuffle(items, seed) {
  const next = mulberry32(seed);
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
  return items;
}

/** Numbers in [0, 1) from a seed: the generator known as mulberry32. @param {number} seed */
function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
