/**
 * What is done when a signal aborts, for however many calls a program gives one signal: each signal has one
 * listener, as Node warns of more than ten.
 */

const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Has something done when a signal aborts; nothing if it has already.
 * @param work must not throw.
 * @returns what takes it back.
 */
export function onAbort(signal: AbortSignal, work: () => void): () => void {
  // Its own, so that the same function given twice is done twice.
  const own = () => work();
  const works = waiting.get(signal) ?? begin(signal);
  works.add(own);
  return () => void works.delete(own);
}

function begin(signal: AbortSignal): Set<() => void> {
  const works = new Set<() => void>();
  const doAll = () => {
    for (const work of works) work();
    works.clear();
  };
  waiting.set(signal, works);
  signal.addEventListener("abort", doAll, { once: true });
  return works;
}
