/** What is written of the servers' log, as a person types it. */
import type { LogLevel } from "../../services/exchange-log.js";
import { UsageError } from "../frame/command.js";

/** The levels, the one of least weight first. */
const LOG_LEVELS: readonly LogLevel[] = ["info", "warn", "error"];

/** A level. Throws UsageError, whose text begins with the label. */
export function logLevelOf(text: string, label: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw new UsageError(`${label}: expected ${LOG_LEVELS.join(", ")}`);
  return level;
}

/**
 * Whether refusals that are alike are counted together. Throws UsageError, whose text begins with the label.
 */
export function samplingOf(text: string, label: string): boolean {
  if (text !== "on" && text !== "off") throw new UsageError(`${label}: expected on or off`);
  return text === "on";
}
