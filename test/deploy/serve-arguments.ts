/** Reads the words after `tessera` in a unit or a manifest as the command itself would. */

import { command as serve } from "../../src/cli/commands/serve.js";
import { type ParsedArguments, parseArguments } from "../../src/cli/frame/arguments.js";

/** Throws UsageError as `tessera serve` does. */
export function serveArguments([name, ...words]: readonly string[]): ParsedArguments {
  if (name !== "serve") throw new Error(`expected tessera serve, got tessera ${name}`);
  return parseArguments(words, serve.options ?? {});
}
