/**
 * The negative vectors of sessions: every bit flip and truncation of what travels, swaps and splices, each
 * refused with its reason.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { sessionExtensions } from "../../src/protocol/session-extensions.js";
import { readProof } from "../../src/services/guard/proof.js";
import { AUTHORITY, KINDS, NOW } from "../support/guard-vectors.js";
import { SESSION_ETYPES } from "../support/guard-vectors-exchange.js";
import {
  cuts,
  flips,
  makeNegative,
  RECEIVE,
  runsOf,
  tableReceivers,
} from "../support/guard-vectors-negative.js";
import { gateOf, PEER, reasonOf, unhex } from "../support/guard-vectors-receivers.js";
import { authenticated } from "../support/guard-vectors-refused-exchanges.js";
import { runSessions } from "../support/guard-vectors-sessions.js";
import { hex } from "../support/recorded-random.js";
import { expectRefusal, refusalOf } from "./refusal.js";

const file = new URL("../vectors/guard/negative.json", import.meta.url);
const runs = SESSION_ETYPES.map(runSessions);
if (process.env.TESSERA_WRITE_VECTORS === "1")
  writeFileSync(file, `${JSON.stringify(runs.map(makeNegative), undefined, 1)}\n`);

type Negative = ReturnType<typeof makeNegative>;
const written = JSON.parse(readFileSync(file, "utf8")) as Negative[];

describe.each(written.map((negative, i) => ({ name: negative.name, negative, run: runs[i]! })))(
  "$name",
  ({ negative, run }) => {
    const receivers = tableReceivers(run);

    test("is what we make of its inputs", () => {
      expect(negative).toEqual(JSON.parse(JSON.stringify(makeNegative(run))));
    });

    test.each(negative.tables)("$what: accepted as it is", ({ what }) => {
      const { bytes, receive } = receivers[what]!;
      expect(reasonOf(() => receive(bytes))).toBeUndefined();
    });

    test.each(negative.tables)("$what: refused with any bit flipped", ({ what, bytes, flipped }) => {
      const { receive } = receivers[what]!;
      const reasons = flips(bytes).map((one) => reasonOf(() => receive(one)));
      expect(reasons).not.toContain(undefined);
      expect(runsOf(reasons as string[])).toEqual(flipped);
    });

    test.each(negative.tables)("$what: refused at any length but its own", ({ what, bytes, cut }) => {
      const { receive } = receivers[what]!;
      const reasons = cuts(bytes).map((one) => reasonOf(() => receive(one)));
      expect(reasons).not.toContain(undefined);
      expect(runsOf(reasons as string[])).toEqual(cut);
    });

    test("a gate takes its own challenge, and none with a bit flipped or a byte left out", () => {
      const { gate } = gateOf(run, 0, "call");
      const admit = (apReq: string) => {
        const looked = gate.look(readProof([unhex(apReq)], []), run.ends.service, PEER, NOW);
        const call = { ...run.made.bound, ...KINDS.unary!, authority: AUTHORITY };
        return gate.admit(looked, run.ends.service, call, PEER, NOW);
      };
      const refused = refusalOf(() => admit(hex(run.first.bytes)));
      const own = hex(refused.challenge!);
      const holding = (challenge: string) => {
        const extensions = sessionExtensions({ challenge: unhex(challenge), asksForSession: true });
        return authenticated(run, { extensions });
      };
      for (const altered of [...flips(own), ...cuts(own).slice(1)])
        expectRefusal(() => admit(holding(altered)), "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED");
      expect(admit(holding(own)).refusal).toBeUndefined();
      expectRefusal(() => admit(holding(own)), "KRB_AP_ERR_REPEAT");
    });

    const kinds = Object.keys(RECEIVE) as (keyof typeof RECEIVE)[];
    describe.each(kinds)("%s", (kind) => {
      test.each(negative[kind] as { what: string; reason: string }[])("$what: $reason", (vector) => {
        const receive = RECEIVE[kind] as (run: unknown, vector: unknown) => unknown;
        expect(reasonOf(() => receive(run, vector))).toBe(vector.reason);
      });
    });
  },
);
