/** A log whose failures end no call and no server. */
import { isoTime } from "../protocol/kerberos-time.js";
import { tell, warnOf } from "../rpc/tell.js";
import type { Clock } from "./clock.js";
import type { Log } from "./exchange-log.js";

/**
 * The same log for callers who must not fail with it. The first line that it does not take is a warning of
 * Node's; when it takes one again, a line says how many are missing.
 */
export function patientLog(log: Log, clock: Clock): Log {
  const warn = warnOf("log");
  let missing = 0;
  let isWarned = false;
  let cause: unknown;
  const onFailure = (error: unknown) => {
    missing++;
    cause = error;
    if (!isWarned) warn(error);
    isWarned = true;
  };
  return (record) => {
    const before = missing;
    tell(log, [record], onFailure);
    if (before === 0 || missing > before) return;
    missing = 0;
    const text = `${before === 1 ? "a line is" : `${before} lines are`} missing before this one: ${String(cause)}`;
    tell(log, [{ time: isoTime(clock()), level: "warn", exchange: "log", text }], onFailure);
  };
}
