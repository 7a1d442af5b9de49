/** Which realm runs: another scene ends it, and starts a new one. */
import type { LiveState } from "../../live/live-state.js";
import type { Scene } from "../../realm/scene-name.js";
import { Choice, type Option } from "../parts/choice.tsx";
import type { Lab } from "./connection.js";

/** The scenes, weakest first. */
export const SCENES: readonly (Option<Scene> & { readonly about: string })[] = [
  {
    value: "textbook-ecb",
    label: "DES in ECB",
    title: "textbook-ecb: DES in ECB mode",
    about: "DES, block by block, and nothing that notices a change: the textbook's first programs.",
  },
  {
    value: "textbook",
    label: "DES",
    title: "textbook: DES in CBC mode with a checksum",
    about: "DES in CBC mode, with an MD5 inside: what Kerberos V5 began with.",
  },
  {
    value: "standard",
    label: "AES",
    title: "standard: AES with an HMAC",
    about: "AES with an HMAC, as RFC 8009 has it: what one uses.",
  },
];

export function ScenePicker({ state, ask }: { readonly state: LiveState; readonly ask: Lab["ask"] }) {
  const about = SCENES.find(({ value }) => value === state.scene)?.about;
  return (
    <div class="scene">
      <Choice
        name="scene"
        legend="Scene"
        options={SCENES}
        value={state.scene}
        onChoose={(scene) => void ask("start", { scene })}
      />
      <button
        type="button"
        disabled={state.isStarting}
        onClick={() => void ask("start", { scene: state.scene })}
      >
        Start anew
      </button>
      <p class="about" aria-live="polite">
        {state.isStarting ? "Its servers are being started…" : about}
      </p>
    </div>
  );
}
