/** `tessera version`. */
import { defineCommand } from "../frame/command.js";
import { printJson, printLine } from "../screen/output.js";
import { version } from "../version.js";

export const command = defineCommand({
  name: "version",
  usage: [""],
  description: "Prints the version of tessera and of Node.js.",
  examples: ["tessera version"],
  options: {},
  arguments: [0, 0],
  run: async ({ json }) => {
    if (json) printJson({ tessera: version(), node: process.versions.node });
    else printLine(`tessera ${version()} (Node.js ${process.versions.node})`);
    return undefined;
  },
});
