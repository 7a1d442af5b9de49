/**
 * `tessera kvno`: gets tickets for services, and prints the versions of the keys under which they are sealed.
 */
import { fileCache } from "../../client/file-credential-cache.js";
import { heldTicket, KeptLogin } from "../../client/kept-login.js";
import { realmOf } from "../../protocol/principal.js";
import { defineCommand } from "../frame/command.js";
import { cachePath } from "../frame/environment.js";
import { CLIENT_OPTIONS, choosesTls, clientSettings } from "../options/client-options.js";
import { parsePrincipalArgument } from "../options/principal-argument.js";
import { type TicketFacts, ticketFacts } from "../screen/ticket-facts.js";
import { cachedLogin } from "../session/cached-login.js";

export const command = defineCommand({
  name: "kvno",
  usage: ["[OPTION…] SERVICE…"],
  description:
    "Gets a ticket for each service, from the cache or from the TGS, and prints the version number of the " +
    "service's key under which the ticket is sealed.",
  examples: ["tessera kvno v/localhost"],
  options: { ...CLIENT_OPTIONS, quiet: { short: "q", help: "print nothing on success" } },
  absent: {
    k: "the service itself opens a ticket: tessera klist -T SERVICE | tessera decode --keytab FILE -",
    S: "name the service in full, such as notes/db.example.test",
    U: "nobody gets tickets for somebody else here",
    P: "nobody gets tickets for somebody else here",
    u: "there is no user-to-user authentication here",
    "cached-only": "tessera klist shows what the cache holds",
    "no-store": "name another cache with -c FILE",
    "out-cache": "name the cache with -c FILE",
  },
  arguments: [1, 64],
  run: async ({ options, positionals, json, ...around }) => {
    clientSettings(options, around.env);
    const cache = fileCache(cachePath(around.env, options.cache));
    const { client } = await cachedLogin(cache);
    const services = positionals.map((name) => parsePrincipalArgument(name, realmOf(client), "service"));
    const login = await new KeptLogin(cache, around.now).current();
    const allHeld = services.every((service) => heldTicket(login, service) !== undefined);
    // Tickets at hand need no connection: then gRPC is not even loaded.
    const needed = !allHeld || choosesTls(options);
    using session = needed
      ? await (await import("../session/session.js")).openSession(options, around)
      : undefined;
    const tickets: TicketFacts[] = [];
    for (const service of services) {
      const facts = ticketFacts(heldTicket(login, service) ?? (await session!.client.serviceTicket(service)));
      tickets.push(facts);
      if (!json && !options.quiet) around.screen.print(`${service}: kvno = ${facts.kvno}`);
    }
    if (json) around.screen.printJson({ tickets });
    return undefined;
  },
});
