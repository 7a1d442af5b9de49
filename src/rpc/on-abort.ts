/**
 * What is done when a signal aborts, for however many calls a program gives one signal: each signal has one
 * listener, as Node warns of more than ten.
 */
import { Chain } from "../collections/chain.js";

const waiting = new WeakMap<AbortSignal, Chain<() => void>>();

/**
 * Has something done when a signal aborts; nothing if it has already.
 * @param work must not throw.
 * @returns what takes it back.
 */
export function onAbort(signal: AbortSignal, work: () => void): () => void {
  const works = waiting.get(signal) ?? begin(signal);
  const own = works.add(work);
  return () => works.remove(own);
}

function begin(signal: AbortSignal): Chain<() => void> {
  const works = new Chain<() => void>();
  const doAll = () => {
    waiting.delete(signal);
    for (const work of works) work();
  };
  waiting.set(signal, works);
  signal.addEventListener("abort", doAll, { once: true });
  return works;
}
