/** What `tessera serve` says: where it listens, under which profile, and a line for each exchange. */
import { visible } from "../../errors/visible-text.js";
import { etypeName } from "../../protocol/etypes.js";
import { type ProfileName, profile } from "../../protocol/profile.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import type { Log, LogRecord } from "../../services/exchange-log.js";
import type { ServerPart } from "../../services/run-realm.js";
import type { RunningServer } from "../../services/server.js";
import type { Screen } from "../screen/screen.js";
import { uselessKeytab, weakNames } from "../screen/weakness.js";

/** Servers that are listening. */
export interface Started {
  readonly servers: readonly { readonly part: ServerPart; readonly server: RunningServer }[];
  readonly realm: string;
  readonly profile: ProfileName;
  /** V's keytab, if V runs. */
  readonly keytab: ServiceKeytab | undefined;
  /** `host:port` of the page of figures, where there is one. */
  readonly metrics?: string | undefined;
}

/** The keytab of a service: its file, and the keys that it holds now. */
export interface ServiceKeytab {
  readonly path: string;
  readonly serviceKeys: () => ServiceKeys;
}

/** Says where the servers listen and what is weak; the last line begins with `ready`. */
export function announce(
  choice: { readonly json: boolean; readonly tls: boolean },
  { servers, realm, profile: name, keytab, metrics }: Started,
  screen: Screen,
): void {
  const addresses = Object.fromEntries(servers.map(({ part, server }) => [part, server.address]));
  const weak = weakNames(name);
  const service = keytab?.serviceKeys().principal;
  const { tls } = choice;
  if (usesJson(choice.json, screen)) {
    const permitted = profile(name).permitted.map(etypeName);
    const { pid } = process;
    screen.printJsonLine({
      ready: true,
      realm,
      profile: name,
      service,
      addresses,
      metrics,
      tls,
      permitted,
      weak,
      pid,
    });
  } else {
    screen.print(`realm ${realm}, profile ${name}${tls ? ", TLS" : ""}`);
    for (const { part, server } of servers)
      screen.print(`${part.toUpperCase().padEnd(4)} ${server.address}${part === "v" ? `  ${service}` : ""}`);
  }
  if (metrics !== undefined && !usesJson(choice.json, screen))
    screen.print(`http://${metrics}/metrics, /livez, /readyz`);
  if (weak !== "")
    screen.notice(`weak encryption is permitted (${weak}): for learning; DES keys are found by search`);
  const useless = keytab && uselessKeytab(keytab.path, keytab.serviceKeys(), name);
  if (useless !== undefined) screen.notice(useless);
  if (usesJson(choice.json, screen)) return;
  screen.print(
    `ready ${Object.entries(addresses)
      .map(([part, at]) => `${part}=${at}`)
      .join(" ")}`,
  );
}

/** Whether to print JSON: unless a person is watching. */
export function usesJson(json: boolean, screen: Screen): boolean {
  return json || !screen.isTerminal;
}

/** The servers' log: lines of JSON, or of text. */
export function logOf(inJson: boolean, screen: Screen): Log {
  if (inJson) return (record) => screen.printJsonLine(record);
  return (record) => screen.print(textLine(record));
}

function textLine(record: LogRecord): string {
  const { time, exchange, level, client, server, operation, result, ms, text, peer } = record;
  const who = [client, server].filter((name) => name !== undefined).join(" → ");
  const parts = [String(time ?? "").slice(11, 23), exchange, who, operation, result ?? level];
  if (result !== "OK" && text !== undefined) parts.push(`(${text})`);
  if (ms !== undefined) parts.push(`${ms} ms`);
  if (peer !== undefined) parts.push(`from ${peer}`);
  const words = parts.filter((part) => part !== undefined && part !== "");
  return visible(words.map(String).join("  "));
}
