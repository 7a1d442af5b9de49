/** `tessera kinit`: logs in with a password or a keytab. */
import { adviceFile } from "../../client/advice-file.js";
import type { CredentialCache } from "../../client/credential-cache.js";
import { fileCache } from "../../client/file-credential-cache.js";
import type { Credentials } from "../../protocol/credentials.js";
import { type Principal, realmOf } from "../../protocol/principal.js";
import { CommandError, defineCommand, UsageError } from "../frame/command.js";
import { cachePath, keytabPath, userName } from "../frame/environment.js";
import type { Environment } from "../frame/surroundings.js";
import { CLIENT_OPTIONS } from "../options/client-options.js";
import { PASSWORD_OPTIONS, readPassword } from "../options/password.js";
import { parsePrincipalArgument } from "../options/principal-argument.js";
import { localTime, parseLifetime } from "../screen/times.js";

export const command = defineCommand({
  name: "kinit",
  usage: ["[OPTION…] [PRINCIPAL]", "-k [-t KEYTAB] [PRINCIPAL]", "-R"],
  description:
    "Logs in: proves the password (or the key in a keytab) to the AS and keeps the ticket-granting ticket " +
    "in the credential cache, in place of any other login. PRINCIPAL is by default the one in the cache, " +
    "or your user name.",
  examples: [
    "tessera kinit alice",
    "tessera kinit -l 1h -r 7d alice@EXAMPLE.TEST",
    "tessera kinit --kdc kdc.example.test:8801 alice",
    "tessera kinit -k -t v.keytab v/localhost",
    "tessera kinit -V -S notes/db.example.test alice",
    "tessera kinit -R",
  ],
  options: {
    life: {
      short: "l",
      value: "TIME",
      help: "wanted life of the ticket, such as 10h; the KDC may give less",
    },
    "renewable-life": {
      short: "r",
      value: "TIME",
      help: "ask for a ticket that can be renewed, for this long",
    },
    renew: { short: "R", help: "renew the ticket in the cache" },
    service: {
      short: "S",
      value: "SERVICE",
      help: "get a ticket for this service too: the AS gives TGTs alone, so that the TGS is asked next",
    },
    verbose: { short: "V", help: "say who logs in, into which cache, and with which encryption types" },
    "use-keytab": { short: "k", help: "use a key from a keytab instead of a password" },
    keytab: { short: "t", value: "FILE", help: "the keytab; TESSERA_KEYTAB" },
    ...PASSWORD_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  absent: {
    f: "tickets can't be forwarded; log in where they are needed",
    F: "tickets can't be forwarded anyway: leave it out",
    p: "tickets can't be proxied; log in where they are needed",
    P: "tickets can't be proxied anyway: leave it out",
    a: "tickets hold no addresses",
    A: "tickets hold no addresses anyway: leave it out",
    s: "tickets can't be postdated; log in when they are needed",
    v: "no ticket is postdated, so that none needs validation",
    C: "a principal has one name here: leave it out",
    E: "a principal has one name here: give it as primary/instance@REALM",
    i: "name the keytab: -k -t FILE",
    I: "name the cache with -c FILE",
    n: "there are no anonymous logins",
    T: "there is no FAST; use TLS to the KDC: --tls-ca FILE",
    X: "there is no public-key pre-authentication",
  },
  arguments: [0, 1],
  run: async ({ options, positionals, json, ...around }) => {
    const wanted = {
      life: options.life === undefined ? undefined : parseLifetime(options.life, "-l"),
      renewableLife:
        options["renewable-life"] === undefined ? undefined : parseLifetime(options["renewable-life"], "-r"),
    };
    const withKeytab = options["use-keytab"] || options.keytab !== undefined;
    if (options.renew && (withKeytab || positionals.length > 0 || options.service !== undefined))
      throw new UsageError("-R renews the ticket in the cache: it goes with no principal, keytab or service");
    const { openSession } = await import("../session/session.js");
    const cache = fileCache(cachePath(around.env, options.cache));
    let credentials: Credentials;
    let ticket: Credentials | undefined;
    const announced = (principal: Principal) => {
      if (options.verbose) around.screen.notice(`principal: ${principal}\ncache: ${cache.name}`);
      return options.service === undefined ? [] : [serviceOf(options.service, principal)];
    };
    // Said before a service is asked for: whatever comes of that, the login is in the cache.
    const loggedIn = (tgt: Credentials) => {
      const { client, endtime } = tgt;
      if (!json) around.screen.notice(`${client}: logged in until ${localTime(endtime)} (${cache.name})`);
      return tgt;
    };
    if (options.renew) {
      using session = await openSession(options, around, { cache });
      credentials = loggedIn(await session.client.renew());
    } else if (withKeytab) {
      const { keysFor } = await import("../session/keytab.js");
      const keys = await keysFor(keytabOf(around.env, options.keytab), positionals[0], around.screen);
      const services = announced(keys.principal);
      using session = await openSession(options, around, { cache, principal: keys.principal });
      credentials = loggedIn(await session.client.loginWithKeytab(keys, wanted));
      for (const service of services) ticket = await session.client.serviceTicket(service);
    } else {
      const principal = await principalOf(positionals[0], cache, around.env);
      const services = announced(principal);
      // Beside the cache, and it stays when the cache goes.
      const advice = adviceFile(`${cachePath(around.env, options.cache)}.advice`);
      using session = await openSession(options, around, { cache, principal, advice });
      const password = await readPassword(options, principal, around.stdin);
      credentials = loggedIn(await session.client.login(principal, password, wanted));
      for (const service of services) ticket = await session.client.serviceTicket(service);
    }
    if (json) {
      const { ticketFacts } = await import("../screen/ticket-facts.js");
      const service = ticket && { service: ticketFacts(ticket) };
      around.screen.printJson({ cache: cache.name, ...ticketFacts(credentials), ...service });
      return undefined;
    }
    if (ticket !== undefined)
      around.screen.notice(`ticket for ${ticket.server} until ${localTime(ticket.endtime)}`);
    if (options.verbose) {
      const { ticketFacts } = await import("../screen/ticket-facts.js");
      for (const { server, etypes } of [credentials, ...(ticket ? [ticket] : [])].map(ticketFacts))
        around.screen.notice(`${server}: session key ${etypes.session}, ticket ${etypes.ticket}`);
    }
    return undefined;
  },
});

/** Read before the password is asked for. */
function serviceOf(text: string, client: Principal): Principal {
  return parsePrincipalArgument(text, realmOf(client), "-S");
}

async function principalOf(
  text: string | undefined,
  cache: CredentialCache,
  env: Environment,
): Promise<Principal> {
  const { defaultRealm } = await import("../session/realm.js");
  const realm = await defaultRealm(env);
  if (text !== undefined) return parsePrincipalArgument(text, realm, "principal");
  // A cache that can't be read does not say who is meant; the login will replace it, or say what is wrong.
  const cached = await cache.load().catch(() => undefined);
  return cached?.client ?? parsePrincipalArgument(userName(), realm, "your user name");
}

function keytabOf(env: Environment, given: string | undefined): string {
  const path = keytabPath(env, given);
  if (path !== undefined) return path;
  throw new CommandError("no keytab is named", "give one: -t FILE, or TESSERA_KEYTAB=FILE");
}
