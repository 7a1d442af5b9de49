/** The attacks: one row each, in the order in which they are shown. */
import { alteredBody } from "./altered-body.js";
import type { Attack } from "./attack.js";
import { bitFlip } from "./bit-flip.js";
import { cutAndPaste } from "./cut-and-paste.js";
import { endedTicket } from "./ended-ticket.js";
import { etypeStrip } from "./etype-strip.js";
import { falseKdc } from "./false-kdc.js";
import { falseLogin } from "./false-login.js";
import { falseV } from "./false-v.js";
import { golden } from "./golden.js";
import { goldenAfterNewKeys } from "./golden-after-new-keys.js";
import { goldenTenYears } from "./golden-ten-years.js";
import { guess } from "./guess.js";
import { heldBack } from "./held-back.js";
import { kerberoast } from "./kerberoast.js";
import { liftedHeader } from "./lifted-header.js";
import { mint } from "./mint.js";
import type { AttackName } from "./names.js";
import { oldClock } from "./old-clock.js";
import { otherAuthority } from "./other-authority.js";
import { otherName } from "./other-name.js";
import { replay } from "./replay.js";
import { replayAfterRestart } from "./replay-after-restart.js";
import { replayElsewhere } from "./replay-elsewhere.js";
import { roast } from "./roast.js";
import { silver } from "./silver.js";
import { silverAfterNewKeys } from "./silver-after-new-keys.js";
import { stolenCache } from "./stolen-cache.js";
import { stolenTicket } from "./stolen-ticket.js";

/** All of them, topic by topic. */
export const ATTACKS: readonly Attack[] = [
  cutAndPaste,
  mint,
  bitFlip,
  replay,
  replayAfterRestart,
  replayElsewhere,
  oldClock,
  heldBack,
  guess,
  roast,
  kerberoast,
  falseKdc,
  falseLogin,
  falseV,
  etypeStrip,
  alteredBody,
  stolenTicket,
  otherName,
  stolenCache,
  endedTicket,
  liftedHeader,
  otherAuthority,
  golden,
  goldenTenYears,
  goldenAfterNewKeys,
  silver,
  silverAfterNewKeys,
];

/** The attack of that name. */
export function attackNamed(name: AttackName): Attack {
  return ATTACKS.find((attack) => attack.name === name)!;
}
