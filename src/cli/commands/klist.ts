/** `tessera klist`: the tickets of the credential cache, or the keys of a keytab. */
import type { CachedLogin } from "../../client/credential-cache.js";
import { fileCache } from "../../client/file-credential-cache.js";
import type { Credentials } from "../../protocol/credentials.js";
import { formatDuration } from "../../protocol/duration.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import { realmOf } from "../../protocol/principal.js";
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

export const command = defineCommand({
  name: "klist",
  usage: ["[-e] [-f] [-c CACHE]", "-k [-e] [-t] [KEYTAB]", "-s", "-T SERVICE"],
  description:
    "Lists the tickets of the credential cache, or with -k the keys of a keytab: versions, principals and encryption " +
    "types, never the keys themselves. Exits with 1 where there is nothing, and with -s where no login is valid.",
  examples: [
    "tessera klist -e -f",
    "tessera klist -k -e v.keytab",
    "tessera klist -T v/localhost | tessera decode --keytab v.keytab -",
  ],
  options: {
    ...CACHE_OPTIONS,
    etypes: { short: "e", help: "show encryption types and sizes" },
    flags: { short: "f", help: "show the flags of the tickets, by MIT's letters" },
    silent: { short: "s", help: "print nothing; exit with 0 if there is a valid login" },
    "dump-ticket": { short: "T", value: "SERVICE", help: "print the ticket for a service, in base64" },
    "use-keytab": { short: "k", aliases: ["keytab"], help: "list the keys of a keytab" },
    timestamps: { short: "t", help: "with -k: show when the keys were written" },
  },
  arguments: [0, 1],
  run: async ({ options, positionals, json, screen, env, now }) => {
    if (options["use-keytab"]) return listKeytab(keytabPath(env, positionals[0]), options, json, screen);
    const cache = fileCache(cachePath(env, options.cache ?? positionals[0]));
    if (options.silent) return hasValid(await cache.load(), now()) ? 0 : 1;
    const login = await cachedLogin(cache);
    const wanted = options["dump-ticket"];
    if (wanted !== undefined) {
      screen.print(base64Ticket(login, wanted));
      return undefined;
    }
    if (json) {
      const tickets = await Promise.all(login.credentials.map(factsOf));
      screen.printJson({ cache: cache.name, client: login.client, kdcOffsetMs: login.kdcOffset, tickets });
      return undefined;
    }
    screen.print(`Ticket cache: ${cache.name}`);
    screen.print(`Default principal: ${login.client}`);
    if (Math.abs(login.kdcOffset) >= 1000) screen.print(`KDC's clock: ${offsetText(login.kdcOffset)}`);
    screen.print();
    screen.print("Valid starting       Expires              Service principal");
    const kdcTime = now() + login.kdcOffset;
    for (const credentials of login.credentials) {
      screen.printAll(ticketLines(credentials, options.flags, kdcTime));
      if (options.etypes) screen.print(etypesLine(await factsOf(credentials)));
    }
    return undefined;
  },
});

/** What is inside a ticket: to read it takes longer than the rest of klist, so its code is loaded only for this. */
async function factsOf(credentials: Credentials): Promise<TicketFacts> {
  const { ticketFacts } = await import("../screen/ticket-facts.js");
  return ticketFacts(credentials);
}

function ticketLines(credentials: Credentials, withFlags: boolean, now: number): string[] {
  const { starttime, endtime, renewTill, server, flags } = credentials;
  const end = endtime <= now ? ">>> Expired <<<".padEnd(19) : localTime(endtime);
  const more: string[] = [];
  if (renewTill !== undefined) more.push(`renew until ${localTime(renewTill)}`);
  if (withFlags) more.push(`Flags: ${flagLetters(flags)}`);
  const lines = [`${localTime(starttime)}  ${end}  ${server}`];
  if (more.length > 0) lines.push(`\t${more.join(", ")}`);
  return lines;
}

function etypesLine({ etypes, kvno, bytes }: TicketFacts): string {
  return `\tEtype (skey, tkt): ${etypes.session}, ${etypes.ticket}; kvno ${kvno}, ${bytes} bytes`;
}

function offsetText(ms: number): string {
  return `${formatDuration(Math.abs(ms))} ${ms > 0 ? "ahead of" : "behind"} ours`;
}

function hasValid(login: CachedLogin | undefined, now: number): boolean {
  return login?.credentials.some(({ endtime }) => endtime > now + login.kdcOffset) ?? false;
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
  const { keytabEntries } = await import("../session/keytab.js");
  const entries = await keytabEntries(path, screen);
  if (json) {
    const rows = entries.map(({ kvno, principal, etype, written }) => ({
      kvno,
      principal,
      etype,
      written: isoTime(written),
    }));
    screen.printJson({ keytab: `FILE:${path}`, entries: rows });
    return undefined;
  }
  screen.print(`Keytab name: FILE:${path}`);
  const rows = entries.map(({ kvno, principal, etype, written }) => [
    String(kvno).padStart(4),
    ...(shown.timestamps ? [localTime(written)] : []),
    `${principal}${shown.etypes ? ` (${etype})` : ""}`,
  ]);
  const rule = ["----", ...(shown.timestamps ? ["-".repeat(19)] : []), "-".repeat(40)];
  const head = ["KVNO", ...(shown.timestamps ? ["Timestamp"] : []), "Principal"];
  screen.printAll(columns([head, rule, ...rows]));
  return undefined;
}
