/** The static page: what tools/illustrated records, shown without a server. */
import { render } from "preact";
import type { PackedTranscripts } from "../../transcript/packed.js";
import { Page } from "./page.tsx";
import { unpackTranscripts } from "./unpack.js";

const data = JSON.parse(document.getElementById("transcripts")!.textContent!) as PackedTranscripts;
const root = document.getElementById("page")!;
root.textContent = "";
render(<Page transcripts={unpackTranscripts(data)} kinds={data.kinds} />, root);
