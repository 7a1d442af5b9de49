/** `tessera doctor --realm --page HOST:PORT` reads a server's page of figures: caches, stores, what waits. */
import { describeFailure } from "../frame/failure.js";
import type { Finding } from "./finding.js";

const TIMEOUT_MS = 3_000;
/** From here on something that can fill up is told of. */
const NEARLY_FULL = 0.9;

/** Looks at a page. Does not throw. */
export async function checkPage(address: string): Promise<Finding[]> {
  try {
    const response = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`${address}/metrics: HTTP ${response.status}`);
    return findingsOn(address, figuresIn(await response.text()));
  } catch (error) {
    // What fetch says is in its cause: that of each address where it tried several.
    const { cause } = error as { cause?: { code?: unknown; message?: string } };
    const text = cause === undefined ? describeFailure(error).text : String(cause.code ?? cause.message);
    const hint = "look whether that server runs, with --metrics, and at that address";
    return [{ check: "page", state: "bad", text: `${address}: ${text}`, hint }];
  }
}

/** Values by name and labels, as the page writes them. */
type Figures = ReadonlyMap<string, number>;

function figuresIn(text: string): Figures {
  const lines = text.split("\n").filter((line) => line.startsWith("tessera_"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

function findingsOn(address: string, figures: Figures): Finding[] {
  const parts: string[] = [];
  const found: Finding[] = [];
  const bad = (check: string, text: string, hint: string) =>
    found.push({ check, state: "bad", text: `${address}: ${text}`, hint });
  for (const [name, value] of figures) {
    const [, labels = ""] = /\{(.*)\}$/.exec(name) ?? [];
    if (name.startsWith("tessera_store_up") && value === 0)
      bad("store", `${labels} does not answer`, "look at that server, or disk, and the way to it");
    if (name.startsWith("tessera_probe_up") && value === 0)
      bad("probe", "the realm's own login fails", `curl http://${address}/readyz`);
    if (name.startsWith("tessera_cache_bytes")) {
      const share = value / (figures.get(name.replace("_bytes", "_max_bytes")) ?? Infinity);
      parts.push(`${labels.replace(/^cache="|"$/g, "")} ${percent(share)}`);
    }
  }
  const replay =
    (figures.get("tessera_replay_bytes") ?? 0) / (figures.get("tessera_replay_max_bytes") ?? Infinity);
  if (replay >= NEARLY_FULL)
    bad("replay", `the replay cache is ${percent(replay)} full`, "give it more memory: --replay-cache-size");
  const waiting = figures.get("tessera_queue_connections") ?? 0;
  if (waiting > 0) bad("queue", `${waiting} connections wait to be read`, "add workers, or another machine");
  parts.push(`replay ${percent(replay)}`);
  return [...found, { check: "caches", state: "ok", text: `${address}: full to ${parts.join(", ")}` }];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
