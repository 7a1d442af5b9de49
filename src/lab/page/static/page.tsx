/** The whole page. */
import type { Transcript } from "../../transcript/transcript.js";

export function Page({ transcripts }: { readonly transcripts: readonly Transcript[] }) {
  return (
    <main>
      {transcripts.map(({ title }) => (
        <h1>{title}</h1>
      ))}
    </main>
  );
}
