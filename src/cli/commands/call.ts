/** `tessera call`: calls one operation of V under seal, or a method of any guarded service. */
import { DEFAULT_ADDRESSES } from "../../rpc/default-addresses.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { CLIENT_OPTIONS } from "../options/client-options.js";

export const command = defineCommand({
  name: "call",
  usage: [
    "[OPTION…] OPERATION [FIELD=VALUE…]",
    "[OPTION…] --service PRINCIPAL --address HOST:PORT package.Service/Method [JSON | -]",
    "--list",
    "OPERATION --help",
  ],
  description:
    "Calls an operation of the service V: request and response travel sealed under keys made for this call " +
    "alone. The ticket comes from the cache, or from the TGS. A name with a slash in it is a method of any " +
    "guarded service: requests and responses are JSON, and what they are made of is asked of the server " +
    "(reflection), or read from files.",
  examples: [
    "tessera call who-am-i",
    "tessera call put-note name=first text='sealed all the way'",
    "tessera call get-note name=first --json",
    "tessera call --service v/localhost --address 127.0.0.1:8803 server-time",
    "tessera call put-note --help",
    `tessera call --service shop/localhost --address localhost:50051 shop.v1.Shop/Order '{"item": "lamp"}'`,
    "tessera call --service shop/localhost --address localhost:50051 shop.v1.Shop/OrderAll - < items.json",
  ],
  options: {
    list: { help: "list the operations" },
    service: { value: "PRINCIPAL", help: "the service; v/localhost for an operation of V" },
    address: { value: "HOST:PORT", help: `where it listens; ${DEFAULT_ADDRESSES.v} for an operation of V` },
    data: {
      short: "d",
      value: "JSON",
      help: "the request of a method, or several after each other for one that takes a stream; - or @: from stdin",
    },
    proto: {
      value: "FILE",
      multiple: true,
      help: "read what the service is from this .proto file, and do not ask the server",
    },
    "import-path": {
      short: "I",
      value: "DIR",
      multiple: true,
      help: "where --proto and its imports are looked for; the folder of the file",
    },
    "descriptor-set": { value: "FILE", help: "the same from a descriptor set, as buf or protoc makes it" },
    metadata: {
      value: "NAME:VALUE",
      multiple: true,
      help: "request metadata of a method; NAME-bin in base64",
    },
    protection: {
      value: "LEVEL",
      help: "protection of a method's call: call, authenticate, integrity or privacy; authenticate",
    },
    plaintext: { help: "call a method without TLS even on another machine" },
    ...CLIENT_OPTIONS,
  },
  arguments: [0, 64],
  helpOn: async ([name]) => {
    if (name === undefined || name.includes("/")) return undefined;
    const { operationHelp } = await import("../dialogue/call.js");
    return operationHelp(name);
  },
  run: async ({ options, positionals, json, ...around }) => {
    const [name, ...words] = positionals;
    if (name?.includes("/") && !options.list) {
      const [typed, ...more] = words;
      if (more.length > 0 || (typed !== undefined && options.data !== undefined))
        throw new UsageError("a method takes one argument: its request, in quotes");
      const { callMethod } = await import("../dialogue/call-method.js");
      await callMethod({ ...options, method: name, data: typed ?? options.data }, around);
      return undefined;
    }
    for (const option of [
      "data",
      "proto",
      "import-path",
      "descriptor-set",
      "metadata",
      "protection",
    ] as const)
      if ((options[option]?.length ?? 0) > 0)
        throw new UsageError(`--${option} goes with a method: package.Service/Method`);
    const { call, listOperations } = await import("../dialogue/call.js");
    if (options.list) listOperations(json, around.screen);
    else await call({ ...options, operation: name, assignments: words, json }, around);
    return undefined;
  },
});
