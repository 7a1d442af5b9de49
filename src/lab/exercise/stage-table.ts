/** The twelve stages, in the order in which a TGS grows: a stage's number is its place here. */
import type { Stage } from "./stage.js";
import { REPLY, TICKET, TIMES_AND_FLAGS } from "./stages/answer.js";
import { DECODES, GARBAGE, HEALTH } from "./stages/form.js";
import { AUTHENTICATOR, CHECKSUM, OPENS_TGT, TICKET_TIMES, UNKNOWN_SERVER } from "./stages/proof.js";
import { REPLAY } from "./stages/replay.js";

/** All stages. */
export const STAGES: readonly Stage[] = [
  HEALTH,
  DECODES,
  GARBAGE,
  OPENS_TGT,
  AUTHENTICATOR,
  CHECKSUM,
  TICKET_TIMES,
  UNKNOWN_SERVER,
  REPLY,
  TICKET,
  TIMES_AND_FLAGS,
  REPLAY,
];
