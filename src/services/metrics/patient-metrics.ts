/** Metrics whose failures end no call and no server. */
import { tell, warnOf } from "../../rpc/tell.js";
import type { Metrics } from "./metrics.js";

/** The same metrics for callers who must not fail with them; the first failure is a warning of Node's. */
export function patientMetrics(metrics: Metrics): Metrics {
  const warn = warnOf("metrics");
  let isWarned = false;
  const onFailure = (error: unknown) => {
    if (!isWarned) warn(error);
    isWarned = true;
  };
  return {
    exchange: (ended) => tell((it) => metrics.exchange(it), [ended], onFailure),
    guardedCall: (decided) => tell((it) => metrics.guardedCall(it), [decided], onFailure),
    replayCheck: (outcome) => tell((it) => metrics.replayCheck(it), [outcome], onFailure),
    watch: (look) => metrics.watch(look),
  };
}
