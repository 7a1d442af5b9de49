/** `tessera call`: calls one operation of V under seal. */
import { DEFAULT_ADDRESSES } from "../../rpc/default-addresses.js";
import { defineCommand } from "../frame/command.js";
import { CLIENT_OPTIONS } from "../options/client-options.js";

export const command = defineCommand({
  name: "call",
  usage: ["[OPTION…] OPERATION [FIELD=VALUE…]", "--list", "OPERATION --help"],
  description:
    "Calls an operation of the service V: request and response travel sealed under keys made for this " +
    "call alone. The ticket comes from the cache, or from the TGS.",
  examples: [
    "tessera call who-am-i",
    "tessera call put-note name=first text='sealed all the way'",
    "tessera call get-note name=first --json",
    "tessera call --service v/localhost --address 127.0.0.1:8803 server-time",
    "tessera call put-note --help",
  ],
  options: {
    list: { help: "list the operations" },
    service: { value: "PRINCIPAL", help: "the service; v/localhost" },
    address: { value: "HOST:PORT", help: `where it listens; ${DEFAULT_ADDRESSES.v}` },
    ...CLIENT_OPTIONS,
  },
  arguments: [0, 64],
  helpOn: async ([name]) => {
    if (name === undefined) return undefined;
    const { operationHelp } = await import("../dialogue/call.js");
    return operationHelp(name);
  },
  run: async ({ options, positionals, json, ...around }) => {
    const [name, ...assignments] = positionals;
    const { call, listOperations } = await import("../dialogue/call.js");
    if (options.list) listOperations(json, around.screen);
    else await call({ ...options, operation: name, assignments, json }, around);
    return undefined;
  },
});
