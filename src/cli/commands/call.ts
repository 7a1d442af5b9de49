/** `tessera call`: one sealed call of an operation of V, found in the descriptors by its name. */
import { fromJson, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { realmOf } from "../../protocol/principal.js";
import { DEFAULT_ADDRESSES } from "../../rpc/default-addresses.js";
import { defineCommand, UsageError } from "../command.js";
import { nearest } from "../nearest.js";
import { type OperationDescription, operations } from "../operations.js";
import { parsePrincipalArgument } from "../principal-argument.js";
import { columns, printJson, printLine, wrapped } from "../screen/output.js";
import { readableLines } from "../screen/readable.js";
import { CLIENT_OPTIONS, cachedLogin, openSession } from "../session.js";

export const command = defineCommand({
  name: "call",
  usage: ["[OPTION…] OPERATION [FIELD=VALUE…]", "--list", "OPERATION --help"],
  description:
    "Calls an operation of the service V: request and response travel sealed under keys of this one call. The ticket " +
    "comes from the cache, or from the TGS on the way.",
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
  helpOn: async ([name]) => (name === undefined ? undefined : operationHelp(findOperation(name))),
  run: async ({ options, positionals, json }) => {
    const [name, ...assignments] = positionals;
    if (options.list) return list(json);
    if (name === undefined) throw new UsageError("which operation? `tessera call --list` lists them");
    const operation = findOperation(name);
    const request = readRequest(operation, assignments);
    using session = await openSession(options);
    const { client } = await cachedLogin(session.cache);
    const target = {
      principal: parsePrincipalArgument(options.service ?? "v/localhost", realmOf(client), "--service"),
      address: options.address,
    };
    const response = await session.client.access(target, operation, request);
    const result = toJson(operation.response, response, { alwaysEmitImplicit: false });
    if (json) printJson(result);
    else for (const line of readableLines(result)) printLine(line);
    return undefined;
  },
});

function findOperation(name: string): OperationDescription {
  const all = operations();
  const found = all.find((operation) => operation.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    all.map((operation) => operation.name),
  );
  const hint = near === undefined ? "`tessera call --list` lists them" : `did you mean ${near}?`;
  throw new UsageError(`no operation ${name}; ${hint}`);
}

/** Makes the request from `field=value` words. Throws UsageError naming the field. */
function readRequest(operation: OperationDescription, words: readonly string[]) {
  const json: JsonObject = {};
  for (const word of words) {
    const split = word.indexOf("=");
    if (split < 1) throw new UsageError(`expected FIELD=VALUE, got ${word}`);
    const name = word.slice(0, split);
    const known = operation.fields.find(({ field }) => field.name === name || field.jsonName === name);
    if (known === undefined) {
      const names = operation.fields.map(({ field }) => field.name);
      const near = nearest(name, names);
      throw new UsageError(
        `${operation.name} has no field ${name}${near === undefined ? `; it has: ${names.join(", ") || "none"}` : `; did you mean ${near}?`}`,
      );
    }
    if (known.field.jsonName in json) throw new UsageError(`${name}: given twice`);
    json[known.field.jsonName] = jsonValue(known.type, word.slice(split + 1));
  }
  try {
    return fromJson(operation.request, json);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function jsonValue(type: string, text: string): JsonValue {
  if (type === "text" || type === "base64" || type === "Timestamp") return text;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

function list(json: boolean): undefined {
  const all = operations();
  if (json) {
    const rows = all.map(({ name, comment, fields }) => ({
      name,
      comment,
      fields: fields.map(({ field, type, comment: text }) => ({ name: field.name, type, comment: text })),
    }));
    printJson({ operations: rows });
    return;
  }
  const rows = all.map(({ name, fields, comment }) => [
    [name, ...fields.map(({ field, type }) => `${field.name}=${type}`)].join(" "),
    comment,
  ]);
  for (const line of columns(rows)) printLine(line);
}

function operationHelp(operation: OperationDescription): string {
  const { name, comment, fields } = operation;
  const words = fields.map(({ field, type }) => `${field.name}=${type.toUpperCase()}`);
  return [
    `usage: tessera call ${[name, ...words].join(" ")}`,
    "",
    comment,
    ...(fields.length === 0 ? [] : ["", "fields:"]),
    ...fields.flatMap(({ field, comment: text }) => [
      `  ${field.name}`,
      ...wrapped(text, 90).map((line) => `      ${line}`),
    ]),
  ].join("\n");
}
