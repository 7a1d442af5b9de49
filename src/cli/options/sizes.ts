/** Sizes as a person types them. */
import { MAX_BYTES, RECORD_BYTES } from "../../store/replay/replay-rules.js";
import { UsageError } from "../frame/command.js";

/** The bytes that a size stands for, such as `64K`; NaN: it is none. */
export function bytesOf(text: string): number {
  const [, count, unit = ""] = /^(\d{1,9})([KMG]?)$/.exec(text) ?? [];
  return Number(count) * 1024 ** ["", "K", "M", "G"].indexOf(unit);
}

/**
 * The memory for a replay cache, in bytes; undefined where nothing was typed.
 * @throws UsageError naming the option.
 */
export function replayCacheSize(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const bytes = bytesOf(text);
  if (!(bytes >= RECORD_BYTES && bytes <= MAX_BYTES))
    throw new UsageError(`${option}: expected a size such as 256M, from ${RECORD_BYTES} bytes to 64G`);
  return bytes;
}
