/** Stage 12: an authenticator is good once. */
import { arrivalText } from "../arrival.js";
import { ticketText } from "../bench.js";
import { askWith } from "../requests.js";
import type { Stage } from "../stage.js";

/** How many copies of one request are sent at the same time. */
const COPIES = 8;

export const REPLAY: Stage = {
  title: "refuses a replayed authenticator",
  clause: "RFC 4120 §3.2.3 (§3.3.2 has an exception for datagrams)",
  section: "Repeating",
  hint:
    "remember each authenticator until its ctime + skew has passed; look and remember in one step, last of " +
    "all, when every other check has passed",
  async run(bench) {
    const { realm } = bench;
    const tgt = await realm.login();
    const { request } = askWith(realm, tgt);
    await bench.answered("a request", request);
    await bench.refused("the same bytes again", request, "KRB_AP_ERR_REPEAT");
    await bench.answered("a new request with the same ticket", askWith(realm, tgt).request);
    const copied = askWith(realm, tgt).request;
    const arrivals = await Promise.all(Array.from({ length: COPIES }, () => bench.ask(copied)));
    const answered = arrivals.filter(({ kind }) => kind === "answer").length;
    const other = arrivals.find(
      (arrival) =>
        arrival.kind !== "answer" && !(arrival.kind === "refusal" && arrival.reason === "KRB_AP_ERR_REPEAT"),
    );
    const expected = `one answer, ${COPIES - 1} times KRB_AP_ERR_REPEAT`;
    const arrived =
      other === undefined
        ? `${answered} answered, the others KRB_AP_ERR_REPEAT`
        : arrivalText(other, ticketText);
    const sent = `${COPIES} copies of another request at once`;
    bench.found(sent, expected, arrived, answered === 1 && other === undefined);
  },
};
