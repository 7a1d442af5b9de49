/** Callbacks of an application that are only told of something: whatever becomes of them ends nothing. */

import { visible } from "../errors/visible-text.js";

/**
 * Calls such a callback.
 * @param onFailure hears what it throws, or what the promise that it returns rejects with.
 */
export function tell<Told extends readonly unknown[]>(
  callback: (...told: Told) => unknown,
  told: Told,
  onFailure: (error: unknown) => void,
): void {
  try {
    const returned = callback(...told);
    if (isThenable(returned)) Promise.resolve(returned).catch(onFailure);
  } catch (error) {
    onFailure(error);
  }
}

/** Says what such a callback threw, as a warning of Node's. */
export function warnOf(name: string): (error: unknown) => void {
  return (error) => process.emitWarning(visible(`${name} failed: ${String(error)}`), "TesseraWarning");
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}
