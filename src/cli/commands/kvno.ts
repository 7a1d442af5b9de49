/** `tessera kvno`: gets tickets for services and prints the versions of the keys they are sealed under. */
import { realmOf } from "../../protocol/principal.js";
import { defineCommand } from "../command.js";
import { parsePrincipalArgument } from "../principal-argument.js";
import { printJson, printLine } from "../screen/output.js";
import { type TicketFacts, ticketFacts } from "../screen/ticket-facts.js";
import { CLIENT_OPTIONS, cachedLogin, openSession } from "../session.js";

export const command = defineCommand({
  name: "kvno",
  usage: ["[OPTION…] SERVICE…"],
  description:
    "Gets a ticket for each service, from the cache or from the TGS, and prints the version number of the service's " +
    "key that the ticket is sealed under.",
  examples: ["tessera kvno v/localhost"],
  options: { ...CLIENT_OPTIONS, quiet: { short: "q", help: "print nothing where it succeeds" } },
  arguments: [1, 64],
  run: async ({ options, positionals, json }) => {
    using session = await openSession(options);
    const { client } = await cachedLogin(session.cache);
    const tickets: TicketFacts[] = [];
    const services = positionals.map((name) => parsePrincipalArgument(name, realmOf(client), "service"));
    for (const service of services) {
      const facts = ticketFacts(await session.client.serviceTicket(service));
      tickets.push(facts);
      if (!json && !options.quiet) printLine(`${service}: kvno = ${facts.kvno}`);
    }
    if (json) printJson({ tickets });
    return undefined;
  },
});
