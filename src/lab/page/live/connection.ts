/** The page's line to the lab's server: what happens comes as events, what is asked goes as POSTs. */
import { useEffect, useState } from "preact/hooks";
import type { LiveEvents, LiveNow } from "../../live/live-state.js";

/** Whether the server is there. */
export type Connection = "connecting" | "open" | "lost";

/** What the page knows, and how it asks. */
export interface Lab {
  readonly connection: Connection;
  /** Undefined until the server has said how everything stands. */
  readonly now: LiveNow | undefined;
  /** Why the last thing asked was not done. */
  readonly refusal: string | undefined;
  /** Asks for something. Resolves with the server's answer; undefined for a refusal, which is shown. */
  ask(request: string, body?: object): Promise<unknown>;
}

/** Follows the lab. */
export function useLab(): Lab {
  const [connection, setConnection] = useState<Connection>("connecting");
  const [now, setNow] = useState<LiveNow>();
  const [refusal, setRefusal] = useState<string>();
  useEffect(() => {
    const events = new EventSource("events");
    const on = <Name extends keyof LiveEvents>(
      name: Name,
      next: (before: LiveNow | undefined, data: LiveEvents[Name]) => LiveNow | undefined,
    ) =>
      events.addEventListener(name, ({ data }) =>
        setNow((before) => next(before, JSON.parse(data) as LiveEvents[Name])),
      );
    events.onopen = () => setConnection("open");
    // The browser tries again by itself, unless the server refused.
    events.onerror = () => setConnection("lost");
    on("now", (_, data) => data);
    on("state", (before, state) => before && { ...before, state });
    on("message", (before, { at, message }) => {
      if (before === undefined) return undefined;
      const messages = [...before.messages];
      messages[at] = message;
      return { ...before, messages };
    });
    on("attack", (before, attack) => {
      if (before === undefined) return undefined;
      const attacks = before.attacks.map((one) => (one.name === attack.name ? attack : one));
      return { ...before, attacks };
    });
    return () => events.close();
  }, []);
  const ask = async (request: string, body: object = {}) => {
    setRefusal(undefined);
    try {
      const response = await fetch(`api/${request}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const answer: unknown = await response.json();
      if (response.ok) return answer;
      setRefusal((answer as Refused).error.text);
    } catch {
      setRefusal("the lab does not answer: was it ended?");
    }
    return undefined;
  };
  return { connection, now, refusal, ask };
}

interface Refused {
  readonly error: { readonly text: string };
}
