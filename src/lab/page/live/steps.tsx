/** What the client can do, in the order of the dialogue, and whether its messages are held. */
import { useState } from "preact/hooks";
import type { LiveState } from "../../live/live-state.js";
import type { Lab } from "./connection.js";

export function Steps({ state, ask }: { readonly state: LiveState; readonly ask: Lab["ask"] }) {
  const [password, setPassword] = useState<string>();
  const can = (step: "login" | "ticket" | "access") => state.possible.includes(step);
  const take = (step: string, more = {}) => void ask("take", { step, ...more });
  return (
    <fieldset class="steps">
      <legend>The client: alice’s</legend>
      <label class="password">
        Her password
        <input
          type="text"
          autocomplete="off"
          spellcheck={false}
          value={password ?? state.password}
          onInput={({ currentTarget }) => setPassword(currentTarget.value)}
        />
      </label>
      <div>
        <button
          type="button"
          disabled={!can("login")}
          onClick={() => take("login", { password: password ?? state.password })}
        >
          1 Log in
        </button>
        <button type="button" disabled={!can("ticket")} onClick={() => take("ticket")}>
          2 Get a ticket for V
        </button>
        <button type="button" disabled={!can("access")} onClick={() => take("access")}>
          3 Call V: who am I?
        </button>
      </div>
      <label class="holds">
        <input
          type="checkbox"
          checked={state.holds}
          onChange={({ currentTarget }) => void ask("hold", { holds: currentTarget.checked })}
        />
        Hold each message on its way
      </label>
    </fieldset>
  );
}
