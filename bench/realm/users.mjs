// Which users send requests: all of them in turn, in steps so wide that neighbours in the database are not
// neighbours in time.

/** Odd, and no multiple of 5: with any number of users that is a power of ten, every one has a turn. */
const STEP = 7919;

/** `count` users of so many, from the turn `at`. */
export function walk(users, at, count) {
  return Array.from({ length: count }, (_, i) => ((at + i) * STEP) % users);
}

export function* chunks(items, size) {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
