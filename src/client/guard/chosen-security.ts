/** Which security a call gets: that of a session, or an AP exchange of its own, which may begin one. */
import type { CallShape } from "../../protocol/call-binding.js";
import type { InterceptorConfig } from "./config.js";
import { ExchangeSecurity } from "./exchange-security.js";
import type { CallSecurity } from "./security.js";
import { SessionSecurity } from "./session-security.js";
import { type Beginning, ONE_SHOT, type Plan } from "./sessions.js";
import type { Ready, Waiting } from "./state.js";
import type { ServiceProof } from "./tickets.js";

/**
 * Says by what a call proves itself; a promise while another call begins the session.
 * @param channel the channel of the call: sessions are kept by channel and ticket.
 * @param beginning the session that the call's attempt before was to begin, if any.
 */
export function choosePlan(
  { sessions }: InterceptorConfig,
  { refused }: Waiting,
  channel: object,
  { credentials, clock }: ServiceProof,
  beginning: Beginning | undefined,
): Plan | Promise<Plan> {
  if (sessions === undefined) return ONE_SHOT;
  if (refused === undefined) return sessions.plan(channel, credentials, clock());
  if (beginning?.isOver === false) return { by: "exchange", beginning };
  return sessions.planRepeat(channel, credentials, clock());
}

/** Makes the security of a call that has its ticket and its plan. */
export function secureCall(
  { protection, sessions }: InterceptorConfig,
  shape: CallShape,
  { ticket, plan, refused }: Ready,
): CallSecurity {
  const uptime = () => sessions?.uptime ?? performance.now();
  if (plan.by === "session") return new SessionSecurity(plan.session, protection, shape, uptime);
  const { challenge, repeated: repeats } = refused ?? {};
  const extensions = { challenge, repeats };
  const { beginning } = plan;
  return new ExchangeSecurity({ ticket, protection, shape, beginning, extensions, uptime });
}
