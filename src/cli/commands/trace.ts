/** `tessera trace`: logs in, gets a ticket and calls V in a running realm, and explains each message. */
import { DEFAULT_ADDRESSES } from "../../rpc/default-addresses.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { CLIENT_OPTIONS } from "../options/client-options.js";
import { PASSWORD_OPTIONS } from "../options/password.js";

export const command = defineCommand({
  name: "trace",
  usage: ["[OPTION…] PRINCIPAL", "[OPTION…] -- COMMAND [WORD…]", "[OPTION…] --from FILE"],
  description:
    "Logs in to a running realm, gets a ticket, asks V who is calling, and prints each message as `tessera " +
    "demo` does: what travelled, and what the client's keys open. With V's keytab it also shows what V " +
    "opens. The credential cache stays as it is. With a command of tessera, or a program that uses its " +
    "client, it runs that and shows what it did: the messages, and the proofs of guarded calls. With " +
    "--from it shows what TESSERA_TRACE=json:FILE has recorded. It opens what the tickets in the " +
    "credential cache, a keytab and a password open.",
  examples: [
    "tessera trace alice",
    "tessera trace --keytab v.keytab --full alice",
    "tessera trace -- kinit alice",
    "tessera trace --page kvno.html --show-keys -- kvno v/localhost",
    "tessera trace --from trace.json --keytab v.keytab",
  ],
  options: {
    service: { value: "PRINCIPAL", help: "the service; v/localhost" },
    address: { value: "HOST:PORT", help: `where it listens; ${DEFAULT_ADDRESSES.v}` },
    keytab: { value: "FILE", help: "V's keytab, to show what V opens" },
    from: { value: "FILE", help: "show a trace that was recorded" },
    page: { value: "FILE", help: "write it as a page too, which opens what it shows with --show-keys alone" },
    full: { help: "print all bytes" },
    "show-keys": { help: "print the session keys: whoever sees them can act as the client" },
    ...PASSWORD_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  arguments: [0, 1024],
  run: async ({ options, positionals, json, ...around }) => {
    const { isCommand, showTraceFile, traceCommand } = await import("../lab/traced-command.js");
    if (options.from !== undefined) {
      if (positionals.length > 0) throw new UsageError("--from takes no principal and no command");
      await showTraceFile(options.from, { ...options, json }, around);
      return undefined;
    }
    if (positionals.length === 0) throw new UsageError("an argument is missing");
    const [first = ""] = positionals;
    // No principal begins so: the path of a program that takes no arguments.
    const isPath = /^[./]/.test(first);
    if (positionals.length > 1 || isPath || isCommand(first, around))
      return traceCommand(positionals, { ...options, json }, around);
    const { trace } = await import("../dialogue/trace.js");
    await trace({ ...options, principal: first, json }, around);
    return undefined;
  },
});
