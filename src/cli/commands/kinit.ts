/** `tessera kinit`: logs in with a password or a keytab. */
import { adviceFile } from "../../client/advice-file.js";
import type { CredentialCache } from "../../client/credential-cache.js";
import { fileCache } from "../../client/file-credential-cache.js";
import type { Credentials } from "../../protocol/credentials.js";
import type { Principal } from "../../protocol/principal.js";
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
    "use-keytab": { short: "k", help: "use a key from a keytab instead of a password" },
    keytab: { short: "t", value: "FILE", help: "the keytab; TESSERA_KEYTAB" },
    ...PASSWORD_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  arguments: [0, 1],
  run: async ({ options, positionals, json, ...around }) => {
    const wanted = {
      life: options.life === undefined ? undefined : parseLifetime(options.life, "-l"),
      renewableLife:
        options["renewable-life"] === undefined ? undefined : parseLifetime(options["renewable-life"], "-r"),
    };
    const withKeytab = options["use-keytab"] || options.keytab !== undefined;
    if (options.renew && (withKeytab || positionals.length > 0))
      throw new UsageError("-R renews the ticket in the cache: it goes with no principal and no keytab");
    const { openSession } = await import("../session/session.js");
    const cache = fileCache(cachePath(around.env, options.cache));
    let credentials: Credentials;
    if (options.renew) {
      using session = await openSession(options, around, { cache });
      credentials = await session.client.renew();
    } else if (withKeytab) {
      const { keysFor } = await import("../session/keytab.js");
      const keys = await keysFor(keytabOf(around.env, options.keytab), positionals[0], around.screen);
      using session = await openSession(options, around, { cache, principal: keys.principal });
      credentials = await session.client.loginWithKeytab(keys, wanted);
    } else {
      const principal = await principalOf(positionals[0], cache, around.env);
      // Beside the cache, and it stays when the cache goes.
      const advice = adviceFile(`${cachePath(around.env, options.cache)}.advice`);
      using session = await openSession(options, around, { cache, principal, advice });
      const password = await readPassword(options, principal, around.stdin);
      credentials = await session.client.login(principal, password, wanted);
    }
    if (json) {
      const { ticketFacts } = await import("../screen/ticket-facts.js");
      around.screen.printJson({ cache: cache.name, ...ticketFacts(credentials) });
    } else
      around.screen.notice(
        `${credentials.client}: logged in until ${localTime(credentials.endtime)} (${cache.name})`,
      );
    return undefined;
  },
});

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
