/** A trace as the static page, in a private file. */
import { writeFileAtomically } from "../../files/private-file.js";
import { annotate } from "../../lab/bytes/annotate.js";
import { sealsIn } from "../../lab/bytes/found.js";
import type { CapturedCall } from "../../lab/capture.js";
import { DIALOGUE } from "../../lab/dialogue.js";
import { clientOf } from "../../lab/found-keys.js";
import type { KeyRings } from "../../lab/key-rings.js";
import type { Scene } from "../../lab/realm/scene-name.js";
import { knownEtype } from "../../protocol/etypes.js";
import { parsePrincipal, realmOf } from "../../protocol/principal.js";
import type { Screen } from "../screen/screen.js";

/** What the page is of, and who may open what. */
export interface PageChoice {
  readonly path: string;
  readonly title: string;
  /** Whether it holds the keys that open its boxes. */
  readonly showKeys: boolean;
}

/**
 * Writes the page, mode 0600.
 * @param rings what each party holds before the first call; not used without `showKeys`.
 */
export async function writeTracePage(
  calls: readonly CapturedCall[],
  rings: KeyRings,
  { path, title, showKeys }: PageChoice,
  screen: Screen,
): Promise<void> {
  const { makeTranscript } = await import("../../lab/transcript/make-transcript.js");
  const { staticPage } = await import("../../lab/transcript/static-page.js");
  const known: KeyRings = showKeys ? rings : new Map([...rings].map(([party]) => [party, new Map()]));
  const client = clientOf(calls);
  const realm = client === undefined ? "" : realmOf(parsePrincipal(client, "client"));
  const transcript = makeTranscript(calls, known, { title, scene: sceneOf(calls), realm });
  await writeFileAtomically(path, Buffer.from(staticPage([transcript])));
  screen.notice(
    showKeys
      ? `${path} holds the keys it opens with: whoever has it can act as the client until the tickets end`
      : `${path} holds no key, and opens nothing; with --show-keys it does`,
  );
}

/** The scene that a dialogue looks like, by the encryption type of the first thing that is sealed in it. */
function sceneOf(calls: readonly CapturedCall[]): Scene {
  const seals = calls.flatMap(({ path, request }) => {
    const row = DIALOGUE[path]?.request;
    return row === undefined ? [] : sealsIn(annotate(row.schema, request), request);
  });
  const etype = seals[0] && knownEtype(seals[0].data.etype);
  if (etype === undefined || !etype.weak) return "standard";
  return etype.integrity ? "textbook" : "textbook-ecb";
}
