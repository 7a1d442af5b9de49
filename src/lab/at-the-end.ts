/** What is done before the process ends, however it ends but for SIGKILL. */

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The listeners made here. */
const ours = new WeakSet<object>();

/**
 * Has something done at exit, and at a signal that ends the process: one that a program takes itself does
 * not, for that ends in its own time.
 * @param work must be done when it returns.
 * @returns what takes it back.
 */
export function atTheEnd(work: () => void): () => void {
  const takeBack = () => {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    process.removeListener("exit", work);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (process.listeners(signal).some((listener) => !ours.has(listener))) return;
    takeBack();
    work();
    process.kill(process.pid, signal);
  };
  ours.add(onSignal);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // The process may also end early, because nobody reads its output any more.
  process.once("exit", work);
  return takeBack;
}
