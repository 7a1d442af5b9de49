/** `tessera klist`: lists the tickets in the credential cache, or the keys in a keytab. */
import type { CachedLogin } from "../../client/credential-cache.js";
import { fileCache } from "../../client/file-credential-cache.js";
import { visible } from "../../errors/visible-text.js";
import type { Credentials } from "../../protocol/credentials.js";
import { formatDuration } from "../../protocol/duration.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import { krbtgtOf, realmOf } from "../../protocol/principal.js";
import { flagNames } from "../../protocol/ticket-flags.js";
import { CommandError, defineCommand } from "../frame/command.js";
import { cachePath, keytabPath } from "../frame/environment.js";
import { CACHE_OPTIONS } from "../options/client-options.js";
import { parsePrincipalArgument } from "../options/principal-argument.js";
import { flagLetters } from "../screen/flag-letters.js";
import { columns } from "../screen/layout.js";
import type { Screen } from "../screen/screen.js";
import type { TicketFacts } from "../screen/ticket-facts.js";
import { localTime } from "../screen/times.js";
import { cachedLogin } from "../session/cached-login.js";
import { type ListedTicket, listCache } from "../session/listed-tickets.js";

export const command = defineCommand({
  name: "klist",
  usage: ["[-e] [-f] [-c CACHE]", "-k [-e] [-t] [KEYTAB]", "-s", "-T SERVICE"],
  description:
    "Lists the tickets in the credential cache, or with -k the keys in a keytab: versions, principals and " +
    "encryption types, never the keys themselves. Exits with 1 if there is nothing to list, and with -s " +
    "if there is no valid login.",
  examples: [
    "tessera klist -e -f",
    "tessera klist -k -e v.keytab",
    "tessera klist -T v/localhost | tessera decode --keytab v.keytab -",
  ],
  options: {
    ...CACHE_OPTIONS,
    etypes: { short: "e", help: "show encryption types and sizes" },
    flags: { short: "f", help: "show the flags of the tickets, as MIT's letters" },
    silent: {
      short: "s",
      help: "print nothing; exit with 0 if there is a valid login, and with 1 for whatever else",
    },
    "dump-ticket": { short: "T", value: "SERVICE", help: "print the ticket for a service, in base64" },
    "use-keytab": { short: "k", aliases: ["keytab"], help: "list the keys of a keytab" },
    timestamps: { short: "t", help: "with -k: show when the keys were written" },
  },
  absent: {
    a: "tickets hold no addresses",
    n: "tickets hold no addresses",
    A: "there is one cache at a time: name it with -c FILE",
    l: "there is one cache at a time: name it with -c FILE",
    K: "keys are never shown",
    d: "authorization data stand in the ticket, which only its service can open: tessera decode --keytab FILE",
    C: "what other programs note in the cache is kept, and not shown",
    i: "name the keytab: tessera klist -k FILE",
    V: "tessera version",
  },
  arguments: [0, 1],
  run: async ({ options, positionals, json, screen, env, now }) => {
    if (options["use-keytab"]) return listKeytab(keytabPath(env, positionals[0]), options, json, screen);
    const path = cachePath(env, options.cache ?? positionals[0]);
    const cache = fileCache(path);
    if (options.silent) return hasValid(await cache.load().catch(() => undefined), now()) ? 0 : 1;
    const wanted = options["dump-ticket"];
    if (wanted !== undefined) {
      screen.print(base64Ticket(await cachedLogin(cache), wanted));
      return undefined;
    }
    const listed = await listCache(path);
    if (listed.cutShort) screen.notice(`${path}: the end of the file cuts its last ticket short`);
    if (json) {
      const tickets = await Promise.all(listed.tickets.map(jsonOf));
      screen.printJson({ cache: cache.name, client: listed.client, kdcOffsetMs: listed.kdcOffset, tickets });
      return undefined;
    }
    screen.print(`Ticket cache: ${cache.name}`);
    screen.print(`Default principal: ${visible(listed.client)}`);
    if (Math.abs(listed.kdcOffset) >= 1000) screen.print(`KDC's clock: ${offsetText(listed.kdcOffset)}`);
    screen.print();
    screen.print("Valid starting       Expires              Service principal");
    const kdcTime = now() + listed.kdcOffset;
    for (const ticket of listed.tickets) {
      screen.printAll(ticketLines(ticket, options.flags, kdcTime));
      if (options.etypes) screen.print(await etypesLine(ticket));
      if (ticket.unusable !== "") screen.print(`\tNot for use here: ${visible(ticket.unusable)}`);
    }
    return undefined;
  },
});

/**
 * What is inside a ticket. Its code takes longer to load than the rest of klist, so it is loaded only for
 * this.
 */
async function factsOf(credentials: Credentials): Promise<TicketFacts> {
  const { ticketFacts } = await import("../screen/ticket-facts.js");
  return ticketFacts(credentials);
}

async function jsonOf(ticket: ListedTicket): Promise<object> {
  const { client, server, starttime, endtime, renewTill, flags, etype, bytes, own, unusable } = ticket;
  if (own !== undefined) return factsOf(own);
  return {
    client,
    server,
    starttime: isoTime(starttime),
    endtime: isoTime(endtime),
    renewTill: renewTill === undefined ? undefined : isoTime(renewTill),
    flags: flagNames(flags),
    etypes: { session: etype },
    bytes,
    unusable,
  };
}

function ticketLines(ticket: ListedTicket, withFlags: boolean, now: number): string[] {
  const { starttime, endtime, renewTill, server, flags } = ticket;
  const end = endtime <= now ? ">>> Expired <<<".padEnd(19) : localTime(endtime);
  const more: string[] = [];
  if (renewTill !== undefined) more.push(`renew until ${localTime(renewTill)}`);
  if (withFlags) more.push(`Flags: ${flagLetters(flags)}`);
  const lines = [`${localTime(starttime)}  ${end}  ${visible(server)}`];
  if (more.length > 0) lines.push(`\t${more.join(", ")}`);
  return lines;
}

async function etypesLine({ own, etype, bytes }: ListedTicket): Promise<string> {
  if (own === undefined) return `\tEtype (skey, tkt): ${etype}, unknown; ${bytes} bytes`;
  const { etypes, kvno } = await factsOf(own);
  return `\tEtype (skey, tkt): ${etypes.session}, ${etypes.ticket}; kvno ${kvno}, ${bytes} bytes`;
}

function offsetText(ms: number): string {
  return `${formatDuration(Math.abs(ms))} ${ms > 0 ? "ahead of" : "behind"} ours`;
}

/** As MIT's: a ticket-granting ticket must be valid if there is one, and otherwise any ticket. */
function hasValid(login: CachedLogin | undefined, now: number): boolean {
  if (login === undefined) return false;
  const tgts = login.credentials.filter(({ server }) => server === krbtgtOf(realmOf(login.client)));
  const asked = tgts.length > 0 ? tgts : login.credentials;
  return asked.some(({ endtime }) => endtime > now + login.kdcOffset);
}

function base64Ticket({ client, credentials }: CachedLogin, wanted: string): string {
  const server = parsePrincipalArgument(wanted, realmOf(client), "-T");
  const found = credentials.find((candidate) => candidate.server === server);
  if (found === undefined)
    throw new CommandError(`the cache holds no ticket for ${server}`, `get one: tessera kvno ${wanted}`);
  return Buffer.from(found.ticket).toString("base64");
}

async function listKeytab(
  path: string | undefined,
  shown: { readonly etypes: boolean; readonly timestamps: boolean },
  json: boolean,
  screen: Screen,
): Promise<undefined> {
  if (path === undefined)
    throw new CommandError("no keytab is named", "give one: klist -k FILE, or TESSERA_KEYTAB=FILE");
  const { listKeys } = await import("../session/listed-keys.js");
  const keys = await listKeys(path, (text) => screen.notice(text));
  if (json) {
    const rows = keys.map(({ kvno, principal, etype, written, unusable }) => ({
      kvno,
      principal,
      etype,
      written: isoTime(written),
      ...(unusable !== "" && { unusable }),
    }));
    screen.printJson({ keytab: `FILE:${path}`, entries: rows });
    return undefined;
  }
  screen.print(`Keytab name: FILE:${path}`);
  const rows = keys.map(({ kvno, principal, etype, written, unusable }) => [
    String(kvno).padStart(4),
    ...(shown.timestamps ? [localTime(written)] : []),
    visible(
      `${principal}${shown.etypes ? ` (${etype})` : ""}${unusable === "" ? "" : `, not for use here: ${unusable}`}`,
    ),
  ]);
  const rule = ["----", ...(shown.timestamps ? ["-".repeat(19)] : []), "-".repeat(40)];
  const head = ["KVNO", ...(shown.timestamps ? ["Timestamp"] : []), "Principal"];
  screen.printAll(columns([head, rule, ...rows]));
  return undefined;
}
