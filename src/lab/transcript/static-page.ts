/** Dialogues as one file of HTML: script, style and data are in it, and nothing is asked of anybody. */
import { createHash } from "node:crypto";
import { KIND_EXPLANATIONS } from "../bytes/byte-node.js";
import { readPageFiles } from "../page-files.js";
import { packTranscripts } from "./packed.js";
import type { Transcript } from "./transcript.js";

/** Makes the page. Throws a ReadableError if the build has not made what it runs. */
export function staticPage(transcripts: readonly Transcript[]): string {
  const { script, style, notices } = readPageFiles("static");
  const policy = [
    "default-src 'none'",
    `script-src ${sourceOf(script)}`,
    `style-src ${sourceOf(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  // In JSON, `<` can stand in strings alone, where an escape means the same.
  const data = JSON.stringify(packTranscripts(transcripts, KIND_EXPLANATIONS)).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(transcripts[0]?.title ?? "Tessera")}</title>
<style>${style}</style>
<script type="application/json" id="transcripts">${data}</script>
</head>
<body>
<div id="page"><noscript>This page needs JavaScript. It asks nothing of any server.</noscript></div>
<script>${script}</script>
</body>
</html>
<!--
${notices}-->
`;
}

/** A script or a style as the policy names it: nothing else may run, or change what the page looks like. */
function sourceOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** Text as it stands in HTML: a title may be a command that somebody typed. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
