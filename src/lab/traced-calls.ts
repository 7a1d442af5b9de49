/** Calls put together again from the events of a trace (client/trace/trace-event.ts). */
import * as grpc from "@grpc/grpc-js";
import type { MessageEvent, ProofEvent, TraceEvent } from "../client/trace/trace-event.js";
import { ReadableError } from "../errors/readable-error.js";
import { STATUS_DETAILS_METADATA } from "../rpc/metadata-names.js";
import { fromServiceError } from "../rpc/status.js";
import type { CapturedCall } from "./capture.js";

/**
 * A call of a trace. Of other services than Kerberos' own its messages are empty: a trace has their size
 * alone.
 */
export interface TracedCall extends CapturedCall {
  /** What proved the call and its answer, in the order in which it travelled. */
  readonly proofs: readonly ProofEvent[];
  /** How many bytes travelled, in messages. */
  readonly sent: number;
  readonly received: number;
  /** `OK`, or why it was refused; undefined if the trace ends before the call does. */
  readonly outcome: string | undefined;
}

/**
 * Reads a trace that `TESSERA_TRACE=json:FILE` made.
 * @throws ReadableError that names the first line which is no event.
 */
export function readTrace(text: string, name: string): TraceEvent[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const event = eventIn(line);
    if (event !== undefined) return [event];
    throw new ReadableError(`${name}: line ${index + 1} is no event of a trace`, {
      hint: "a trace is made with TESSERA_TRACE=json:FILE",
    });
  });
}

/** The calls of a trace, in the order in which they began. */
export function tracedCalls(events: readonly TraceEvent[]): TracedCall[] {
  const calls = new Map<string, TraceEvent[]>();
  for (const event of events) {
    const key = `${event.pid} ${event.call}`;
    calls.set(key, [...(calls.get(key) ?? []), event]);
  }
  return [...calls.values()].map(callOf);
}

function callOf(events: readonly TraceEvent[]): TracedCall {
  const messages = (which: MessageEvent["event"]) =>
    events.filter((event): event is MessageEvent => event.event === which);
  const [sent, received] = [messages("sent"), messages("received")];
  const proofs = events.filter((event) => event.event === "proof");
  const end = events.find((event) => event.event === "ended");
  const answer = received[0]?.hex;
  return {
    path: events[0]!.path,
    sentAt: Date.parse((sent[0] ?? events[0]!).at),
    request: Buffer.from(sent[0]?.hex ?? "", "hex"),
    response: answer === undefined ? undefined : Buffer.from(answer, "hex"),
    receivedAt: Date.parse((received[0] ?? events.at(-1)!).at),
    refusal: end === undefined || end.code === grpc.status.OK ? undefined : refusalOf(end, proofs),
    proofs,
    sent: sizeOf(sent),
    received: sizeOf(received),
    outcome: end?.outcome,
  };
}

function sizeOf(messages: readonly { readonly bytes: number }[]): number {
  return messages.reduce((sum, { bytes }) => sum + bytes, 0);
}

function refusalOf({ code, text }: { code: number; text: string }, proofs: readonly ProofEvent[]) {
  const metadata = new grpc.Metadata();
  for (const { header, hex } of proofs)
    if (header === STATUS_DETAILS_METADATA) metadata.add(header, Buffer.from(hex, "hex"));
  return fromServiceError(Object.assign(new Error(text), { code, details: text, metadata }));
}

function eventIn(line: string): TraceEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const event = value as Record<string, unknown>;
  const fields = FIELDS[String(event.event)];
  const isRight = (rules: Readonly<Record<string, Rule>>) =>
    Object.entries(rules).every(([name, rule]) => rule(event[name]));
  return fields !== undefined && isRight(COMMON) && isRight(fields) ? (value as TraceEvent) : undefined;
}

type Rule = (value: unknown) => boolean;
const isText: Rule = (value) => typeof value === "string";
const isCount: Rule = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isTime: Rule = (value) => typeof value === "string" && Number.isFinite(Date.parse(value));
const isHex: Rule = (value) => typeof value === "string" && /^(?:[0-9a-f]{2})*$/.test(value);
const isHexOrNone: Rule = (value) => value === undefined || isHex(value);

const COMMON = { at: isTime, pid: isCount, call: isCount, path: isText };
const FIELDS: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  sent: { bytes: isCount, hex: isHexOrNone },
  received: { bytes: isCount, hex: isHexOrNone },
  proof: { from: isText, header: isText, hex: isHex },
  ended: { outcome: isText, code: isCount, text: isText, bytes: isCount, ms: isCount },
};
