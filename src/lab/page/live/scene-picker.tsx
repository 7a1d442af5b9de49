/** Which realm runs: another scene ends it, and starts a new one. */
import type { LiveState } from "../../live/live-state.js";
import type { Scene } from "../../realm/scene-name.js";
import type { Lab } from "./connection.js";

const SCENES: readonly (readonly [Scene, string, string])[] = [
  ["textbook-ecb", "textbook-ecb", "DES, block by block, nothing checked: the textbook's first programs"],
  ["textbook", "textbook", "DES in CBC mode with an MD5 inside: what Kerberos V5 began with"],
  ["standard", "standard", "AES and HMAC of RFC 8009: what one uses today"],
];

export function ScenePicker({ state, ask }: { readonly state: LiveState; readonly ask: Lab["ask"] }) {
  const about = SCENES.find(([scene]) => scene === state.scene)?.[2];
  return (
    <fieldset class="scenes" disabled={state.isStarting}>
      <legend>Scene</legend>
      {SCENES.map(([scene, title]) => (
        <label key={scene}>
          <input
            type="radio"
            name="scene"
            checked={scene === state.scene}
            onChange={() => void ask("start", { scene })}
          />
          {title}
        </label>
      ))}
      <button type="button" onClick={() => void ask("start", { scene: state.scene })}>
        Start anew
      </button>
      <p class="about">{state.isStarting ? "Its servers are being started…" : about}</p>
    </fieldset>
  );
}
