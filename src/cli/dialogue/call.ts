/** Makes one sealed call of an operation of V: reads the request from the command line, prints the answer. */
import { fromJson, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { nearest } from "../../errors/nearest.js";
import { realmOf } from "../../protocol/principal.js";
import { type CommandSurroundings, UsageError } from "../frame/command.js";
import type { ClientChoice } from "../options/client-options.js";
import { parsePrincipalArgument } from "../options/principal-argument.js";
import { columns, wrapped } from "../screen/layout.js";
import { readableLines } from "../screen/readable.js";
import type { Screen } from "../screen/screen.js";
import { cachedLogin } from "../session/cached-login.js";
import { openSession } from "../session/session.js";
import { type OperationDescription, operations } from "./operations.js";

/** What `tessera call` was asked for. */
export interface CallChoice extends ClientChoice {
  readonly operation: string | undefined;
  /** Words of the form `FIELD=VALUE`. */
  readonly assignments: readonly string[];
  readonly service: string | undefined;
  readonly address: string | undefined;
  readonly json: boolean;
}

/**
 * Calls the operation and prints its answer. Throws UsageError for an operation or a field that does not
 * exist.
 */
export async function call(choice: CallChoice, around: CommandSurroundings): Promise<void> {
  if (choice.operation === undefined)
    throw new UsageError("which operation? `tessera call --list` lists them");
  const operation = findOperation(choice.operation);
  const request = readRequest(operation, choice.assignments);
  using session = await openSession(choice, around);
  const { client } = await cachedLogin(session.cache);
  const target = {
    principal: parsePrincipalArgument(choice.service ?? "v/localhost", realmOf(client), "--service"),
    address: choice.address,
  };
  const response = await session.client.access(target, operation, request);
  const result = toJson(operation.response, response, { alwaysEmitImplicit: false });
  if (choice.json) around.screen.printJson(result);
  else around.screen.printAll(readableLines(result));
}

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

/** Reads the request from words of the form `field=value`. Throws UsageError that names the field. */
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
      const hint = near === undefined ? `it has: ${names.join(", ") || "none"}` : `did you mean ${near}?`;
      throw new UsageError(`${operation.name} has no field ${name}; ${hint}`);
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

/** Prints the operations, with their fields. */
export function listOperations(json: boolean, screen: Screen): void {
  const all = operations();
  if (json) {
    const rows = all.map(({ name, comment, fields }) => ({
      name,
      comment,
      fields: fields.map(({ field, type, comment: text }) => ({ name: field.name, type, comment: text })),
    }));
    screen.printJson({ operations: rows });
    return;
  }
  const rows = all.map(({ name, fields, comment }) => [
    [name, ...fields.map(({ field, type }) => `${field.name}=${type}`)].join(" "),
    comment,
  ]);
  screen.printAll(columns(rows));
}

/** Help on an operation. Throws UsageError if there is none of that name. */
export function operationHelp(typed: string): string {
  const { name, comment, fields } = findOperation(typed);
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
