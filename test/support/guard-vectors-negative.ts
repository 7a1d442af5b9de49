/**
 * Makes the negative vectors of sessions: what travels, altered in one thing, with the reason for which its
 * receiver refuses it. `TABLES` has every bit flip and every truncation of a blob; `REFUSED` what was
 * swapped, spliced, repeated or made by the wrong key.
 */
import { toBinary } from "@bufbuild/protobuf";
import { ApReqSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { readApReq } from "../../src/protocol/call-binding.js";
import { sessionExtensions } from "../../src/protocol/session-extensions.js";
import {
  reasonOf,
  receiveAnswer,
  receiveApRep,
  receiveApReq,
  receiveCall,
  receiveMessages,
  unhex,
} from "./guard-vectors-receivers.js";
import { refusedAnswers, refusedCalls, refusedMessages } from "./guard-vectors-refused-calls.js";
import { authenticated, refusedApReps, refusedApReqs } from "./guard-vectors-refused-exchanges.js";
import type { runSessions } from "./guard-vectors-sessions.js";
import { hex } from "./recorded-random.js";

type Run = ReturnType<typeof runSessions>;

/** The reasons for which a blob is refused with each of its bits flipped, and cut to each of its lengths. */
export interface Table {
  readonly what: string;
  readonly bytes: string;
  /** `[reason, count]`, in the order of the bits: of each byte the least significant first. */
  readonly flipped: readonly (readonly [string, number])[];
  /** `[reason, count]`, in the order of the lengths, from 0 up. */
  readonly cut: readonly (readonly [string, number])[];
}

/** How each blob of a table is received. Throws the KrbError of a refusal. */
export function tableReceivers(
  run: Run,
): Readonly<Record<string, { bytes: string; receive(bytes: string): void }>> {
  const { calls, exchanges } = run.vector;
  const call = (number: number) => calls.find((one) => one.number === number)!.output;
  const unary = call(5);
  const { blobs } = readApReq(unhex(exchanges[0]!["kerberos-ap-req-bin"]));
  const apReq = (changed: object) => hex(toBinary(ApReqSchema, { ...blobs, ...changed }));
  const message = (number: number, to: "service" | "client", protection: "integrity" | "privacy") => {
    const own = call(number);
    const [first] = to === "service" ? own.requests : own.responses;
    const receive = (bytes: string) =>
      receiveMessages(run, { to, protection, number, messages: [bytes], ends: false });
    return { bytes: first!, receive };
  };
  return {
    "kerberos-call-bin of call 5": {
      bytes: unary["kerberos-call-bin"],
      receive: (bytes) => void receiveCall(run, { calls: [bytes], request: unary.requests[0]! }),
    },
    "kerberos-call-bin of call 18, a retry": {
      bytes: call(18)["kerberos-call-bin"],
      receive: (bytes) => void receiveCall(run, { calls: [bytes], request: call(18).requests[0]! }),
    },
    "kerberos-reply-bin of call 5": {
      bytes: unary["kerberos-reply-bin"]!,
      receive: (reply) =>
        receiveAnswer(run, {
          replies: [reply],
          numbers: [5],
          responseStream: false,
          responses: unary.responses,
          status: { code: 0, message: "", details: "" },
        }),
    },
    "the challenge, in an authenticator made for it": {
      bytes: exchanges[0]!.challenge,
      receive: (challenge) => {
        const extensions = sessionExtensions({ challenge: unhex(challenge), asksForSession: true });
        receiveApReq(run, authenticated(run, { extensions }));
      },
    },
    "ApReq.authenticator of exchange 1": {
      bytes: hex(blobs.authenticator),
      receive: (authenticator) => void receiveApReq(run, apReq({ authenticator: unhex(authenticator) })),
    },
    "kerberos-ap-rep-bin of exchange 1": {
      bytes: exchanges[0]!["kerberos-ap-rep-bin"],
      receive: (bytes) => receiveApRep(run, bytes, "initial metadata"),
    },
    "the first request of call 10": message(10, "service", "integrity"),
    "the first response of call 10": message(10, "client", "integrity"),
    "the first request of call 14": message(14, "service", "privacy"),
    "the first response of call 14": message(14, "client", "privacy"),
  };
}

/** The negative vectors of a session. */
export function makeNegative(run: Run) {
  const tables: Table[] = Object.entries(tableReceivers(run)).map(([what, { bytes, receive }]) => ({
    what,
    bytes,
    flipped: runsOf(flips(bytes).map((flipped) => reasonOf(() => receive(flipped)) ?? "accepted")),
    cut: runsOf(cuts(bytes).map((short) => reasonOf(() => receive(short)) ?? "accepted")),
  }));
  return {
    name: run.vector.name,
    tables,
    calls: refusedCalls(run),
    answers: refusedAnswers(run),
    messages: refusedMessages(run),
    apReqs: refusedApReqs(run),
    apReps: refusedApReps(run),
  };
}

/** A blob with each of its bits flipped, one at a time. */
export function flips(bytes: string): string[] {
  const original = unhex(bytes);
  return Array.from({ length: original.length * 8 }, (_, bit) => {
    const flipped = Buffer.from(original);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    return flipped.toString("hex");
  });
}

/** A blob cut to each length shorter than its own. */
export function cuts(bytes: string): string[] {
  return Array.from({ length: bytes.length / 2 }, (_, length) => bytes.slice(0, 2 * length));
}

/** Equal reasons in a row, counted. */
export function runsOf(reasons: readonly string[]): [string, number][] {
  const runs: [string, number][] = [];
  for (const reason of reasons) {
    const last = runs.at(-1);
    if (last?.[0] === reason) last[1]++;
    else runs.push([reason, 1]);
  }
  return runs;
}

/** Receives what a vector holds, as its list says. Throws the KrbError of a refusal. */
export const RECEIVE = {
  calls: receiveCall,
  answers: receiveAnswer,
  messages: receiveMessages,
  apReqs: (run: Run, { apReq }: { readonly apReq: string }) => receiveApReq(run, apReq),
  apReps: (run: Run, { apRep, place }: { readonly apRep: string; readonly place: string }) =>
    receiveApRep(run, apRep, place),
};
