/** What `tessera serve` says at its start: where it listens, and under which profile. */
import { etypeName } from "../../protocol/etypes.js";
import { type ProfileName, profile } from "../../protocol/profile.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import type { ServerPart } from "../../services/run-realm-options.js";
import type { RunningServer } from "../../services/server.js";
import { counted } from "../screen/counted.js";
import type { Screen } from "../screen/screen.js";
import { uselessKeytab, weakNames } from "../screen/weakness.js";

/** Servers that are listening. */
export interface Started {
  readonly servers: readonly { readonly part: ServerPart; readonly server: RunningServer }[];
  readonly realm: string;
  readonly profile: ProfileName;
  /** V's keytab, if V runs. */
  readonly keytab: ServiceKeytab | undefined;
}

/** The keytab of a service: its file, and the keys that it holds now. */
export interface ServiceKeytab {
  readonly path: string;
  readonly serviceKeys: () => ServiceKeys;
}

/** What is said once the servers listen, in a form that travels between processes. */
export interface Announcement {
  readonly realm: string;
  readonly profile: ProfileName;
  /** V's principal, if V runs. */
  readonly service: string | undefined;
  readonly addresses: Readonly<Partial<Record<ServerPart, string>>>;
  readonly tls: boolean;
  /** What to know about V's keytab, if it is of no use. */
  readonly uselessKeytab: string | undefined;
}

/** How it is said. */
export interface AnnounceChoice {
  readonly json: boolean;
  /** The processes that serve; undefined: this one. */
  readonly workers?: readonly number[] | undefined;
  /** `host:port` of the page of metrics, if there is one. */
  readonly metrics?: string | undefined;
}

/** What there is to say of servers that are listening. */
export function announcementOf({ servers, realm, profile, keytab }: Started, tls: boolean): Announcement {
  return {
    realm,
    profile,
    service: keytab?.serviceKeys().principal,
    addresses: Object.fromEntries(servers.map(({ part, server }) => [part, server.address])),
    tls,
    uselessKeytab: keytab && uselessKeytab(keytab.path, keytab.serviceKeys(), profile),
  };
}

/** Says where the servers listen and what is weak; the last line begins with `ready`. */
export function announce(announcement: Announcement, choice: AnnounceChoice, screen: Screen): void {
  const { realm, profile: name, service, addresses, tls, uselessKeytab: useless } = announcement;
  const { workers, metrics } = choice;
  const weak = weakNames(name);
  if (usesJson(choice.json, screen)) {
    const permitted = profile(name).permitted.map(etypeName);
    const { pid } = process;
    const facts = { realm, profile: name, service, addresses, metrics, tls, permitted, weak, workers, pid };
    screen.printJsonLine({ ready: true, ...facts });
  } else {
    screen.print(
      `realm ${realm}, profile ${name}${tls ? ", TLS" : ""}` +
        `${workers === undefined ? "" : `, ${counted(workers.length, "worker")}`}`,
    );
    for (const [part, address] of Object.entries(addresses))
      screen.print(`${part.toUpperCase().padEnd(4)} ${address}${part === "v" ? `  ${service}` : ""}`);
  }
  if (metrics !== undefined && !usesJson(choice.json, screen))
    screen.print(`http://${metrics}/metrics, /livez, /readyz`);
  if (weak !== "")
    screen.notice(`weak encryption is permitted (${weak}): for learning; DES keys are found by search`);
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
