/** The illustrated login as it is kept, and what is in it. */
import { readFileSync } from "node:fs";
import { unpackTranscripts } from "../../../src/lab/page/static/unpack.js";
import type { PackedTranscripts } from "../../../src/lab/transcript/packed.js";
import { PAGE } from "../../../tools/illustrated/page.mjs";

/** Where it is. */
export { PAGE };

/** Its text. */
export const html = readFileSync(PAGE, "utf8");

const [, data] = /<script type="application\/json" id="transcripts">(.*?)<\/script>/s.exec(html)!;

/** What it was given. */
export const packed = JSON.parse(data!) as PackedTranscripts;

/** The logins that it shows. */
export const transcripts = unpackTranscripts(packed);
