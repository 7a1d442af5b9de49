/** What follows from the probe's results: the health of AS and TGS, readiness, a line in the log. */
import { AuthenticationService } from "../../gen/kerberos/v1/authentication_service_pb.js";
import { TicketGrantingService } from "../../gen/kerberos/v1/ticket_granting_service_pb.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import type { Timer } from "../../rpc/timer.js";
import type { Log } from "../../services/exchange-log.js";
import type { RunningRealm } from "../../services/run-realm.js";
import { Probe, type ProbeResult, type ProbeSteps } from "./probe.js";
import type { Watched } from "./watched.js";

/** What a probe has a say in. */
export interface Probed {
  readonly begin: () => Promise<ProbeSteps>;
  readonly running: Pick<RunningRealm, "servers">;
  readonly watched: Pick<Watched, "metrics" | "setReady">;
  readonly log: Log;
  readonly timer: Timer;
  /** The present, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** Starts a probe, and waits for its first result. */
export async function startProbe({ begin, running, watched, log, timer, now }: Probed): Promise<Probe> {
  let hasFailed = false;
  const onChange = (result: ProbeResult) => {
    const why = result.as ?? result.tgs;
    watched.setReady(why);
    for (const [part, service] of SERVICES) {
      const health = running.servers.get(part)?.health;
      const status = result[part] === undefined ? "SERVING" : "NOT_SERVING";
      health?.set(service, status);
      health?.set("", status);
    }
    const time = isoTime(now());
    if (why !== undefined)
      log({ time, level: "error", exchange: "probe", text: `the realm does not serve: ${why}` });
    else if (hasFailed) log({ time, level: "info", exchange: "probe", text: "the realm serves again" });
    hasFailed = why !== undefined;
  };
  const probe = new Probe({ begin, onChange, timer, now });
  watched.metrics?.watch(() => probe.figures());
  await probe.try();
  return probe;
}

const SERVICES = [
  ["as", AuthenticationService.typeName],
  ["tgs", TicketGrantingService.typeName],
] as const;
