/** What a static page is given is what was recorded. */
import { expect, test } from "vitest";
import { KIND_EXPLANATIONS } from "../../../src/lab/bytes/byte-node.js";
import { unpackTranscripts } from "../../../src/lab/page/static/unpack.js";
import { makeTranscript } from "../../../src/lab/transcript/make-transcript.js";
import { packTranscripts } from "../../../src/lab/transcript/packed.js";
import { calls, rings } from "../dialogue.js";

const about = { title: "A login", scene: "textbook", realm: "EXAMPLE.TEST" } as const;
const transcripts = [makeTranscript(calls, rings(), about), makeTranscript(calls.slice(1), rings(), about)];
const packed = packTranscripts(transcripts, KIND_EXPLANATIONS);

test("packed and unpacked, transcripts are the same", () => {
  expect(unpackTranscripts(JSON.parse(JSON.stringify(packed)))).toEqual(transcripts);
});

test("packed, they are less than a third as long", () => {
  expect(3 * JSON.stringify(packed).length).toBeLessThan(JSON.stringify(transcripts).length);
});
