/**
 * What travelled in the lab, as its page shows it: a transcript, and what was done to each message on the
 * way.
 */
import type { CapturedCall } from "../capture.js";
import type { KeyRings } from "../key-rings.js";
import { makeTranscript, type TranscriptAbout } from "../transcript/make-transcript.js";
import type { Transcript } from "../transcript/transcript.js";
import type { Held, Travelled, TravellingCall } from "./interception.js";
import type { LiveMessage } from "./live-state.js";

/** What travelled, without what is held. */
export function transcriptOf(
  calls: readonly TravellingCall[],
  rings: KeyRings,
  about: TranscriptAbout,
): Transcript {
  const travelled = calls.filter(({ request }) => request.is !== undefined);
  return makeTranscript(
    travelled.map((call) => captured({ ...call, response: call.response?.is && call.response }, undefined)),
    rings,
    about,
  );
}

/** Every message, and the keys by which it was opened. */
export function liveMessages(
  calls: readonly TravellingCall[],
  held: Held | undefined,
  rings: KeyRings,
  about: TranscriptAbout,
): { readonly messages: readonly LiveMessage[]; readonly transcript: Transcript } {
  const transcript = makeTranscript(
    calls.map((call) => captured(call, held)),
    rings,
    about,
  );
  const onTheWay = calls.flatMap((call, at) => {
    const isHeld = (direction: Held["direction"]) => held?.call === call && held.direction === direction;
    const request = { isAgain: call.isAgain, ...facts(call.request, at, isHeld("request"), held) };
    if (call.response === undefined && call.refusal === undefined) return [request];
    return [request, { isAgain: false, ...facts(call.response, at, isHeld("response"), held) }];
  });
  const messages = transcript.messages.map((message, i) => ({ message, ...onTheWay[i]! }));
  return { messages, transcript };
}

/** A call as whoever listens on the way would keep it; what is held, as it is now. */
function captured(call: TravellingCall, held: Held | undefined): CapturedCall {
  const { path, sentAt, receivedAt, refusal, request, response } = call;
  const now = held?.call === call ? held : undefined;
  const bytesOf = (message: Travelled, direction: Held["direction"]) =>
    message.is ?? (now?.direction === direction ? now.bytes : message.was);
  return {
    path,
    sentAt,
    request: bytesOf(request, "request"),
    response: response && bytesOf(response, "response"),
    receivedAt,
    refusal,
  };
}

function facts(
  message: Travelled | undefined,
  call: number,
  isHeld: boolean,
  held: Held | undefined,
): Omit<LiveMessage, "message" | "isAgain"> {
  const now = isHeld ? held?.bytes : message?.is;
  const isChanged = message !== undefined && now !== undefined && !Buffer.from(now).equals(message.was);
  return {
    ...(isChanged && { was: Buffer.from(message.was).toString("hex") }),
    call,
    isHeld,
    isLost: message?.isLost ?? false,
  };
}
