/** The static page: what tools/illustrated records, shown without a server. */
import { render } from "preact";
import type { Transcript } from "../../transcript/transcript.js";
import { Page } from "./page.tsx";

const data = document.getElementById("transcripts")?.textContent ?? "[]";
const transcripts = JSON.parse(data) as readonly Transcript[];
render(<Page transcripts={transcripts} />, document.body);
