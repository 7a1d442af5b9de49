/** `tessera config check`: prints every fault of a configuration, and where it stands. */
import { configurationFile } from "../config/places.js";
import { CommandError, defineCommand } from "../frame/command.js";

export const command = defineCommand({
  name: "config check",
  usage: ["[FILE]"],
  description:
    "Checks tessera.toml, or another file of its kind: keys, values, and whether the files that it names " +
    "are there and can be read. Prints each fault as FILE:LINE:COLUMN: what is wrong, and then exits with " +
    "1. By default it checks the file that the other commands would read.",
  examples: ["tessera config check", "tessera config check ./tessera.toml --json"],
  options: {},
  isUnconfigured: true,
  arguments: [0, 1],
  run: async ({ positionals: [given], json, env, screen }) => {
    const path = given ?? configurationFile(env);
    if (path === undefined)
      throw new CommandError(
        "there is no configuration",
        "name a file, or make one: tessera config example > ~/.config/tessera/tessera.toml",
        "missing",
      );
    const { readFile } = await import("../config/read.js");
    const { fileFaults } = await import("../config/check-files.js");
    const file = await readFile(path);
    const faults = [...file.faults, ...(await fileFaults(file.entries))].sort(
      (a, b) => a.line - b.line || a.column - b.column,
    );
    if (json) screen.printJson({ file: path, faults });
    else if (faults.length === 0) screen.print(`${path}: no fault`);
    else for (const { line, column, text } of faults) screen.print(`${path}:${line}:${column}: ${text}`);
    return faults.length === 0 ? 0 : 1;
  },
});
