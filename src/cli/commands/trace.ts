/** `tessera trace`: logs in, gets a ticket and calls V in a running realm, and explains each message. */
import { DEFAULT_ADDRESSES } from "../../rpc/default-addresses.js";
import { defineCommand } from "../frame/command.js";
import { CLIENT_OPTIONS } from "../options/client-options.js";
import { PASSWORD_OPTIONS } from "../options/password.js";

export const command = defineCommand({
  name: "trace",
  usage: ["[OPTION…] PRINCIPAL"],
  description:
    "Logs in to a running realm, gets a ticket, asks V who is calling, and prints each message as " +
    "`tessera demo` does: what travelled, and what the client's keys open. With V's keytab it also shows " +
    "what V opens. The credential cache stays as it is.",
  examples: ["tessera trace alice", "tessera trace --keytab v.keytab --full alice"],
  options: {
    service: { value: "PRINCIPAL", help: "the service; v/localhost" },
    address: { value: "HOST:PORT", help: `where it listens; ${DEFAULT_ADDRESSES.v}` },
    keytab: { value: "FILE", help: "V's keytab, to show what V opens" },
    full: { help: "print all bytes" },
    "show-keys": { help: "print the session keys: whoever sees them can act as the client" },
    ...PASSWORD_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  arguments: [1, 1],
  run: async ({ options, positionals, json, ...around }) => {
    const { trace } = await import("../dialogue/trace.js");
    await trace({ ...options, principal: positionals[0]!, json }, around);
    return undefined;
  },
});
