/** `tessera version`: prints the version. */
import { defineCommand } from "../frame/command.js";
import { version } from "../version.js";

export const command = defineCommand({
  name: "version",
  usage: [""],
  description: "Prints the versions of tessera and of Node.js.",
  examples: ["tessera version"],
  options: {},
  isUnconfigured: true,
  arguments: [0, 0],
  run: async ({ json, screen }) => {
    if (json) screen.printJson({ tessera: version(), node: process.versions.node });
    else screen.print(`tessera ${version()} (Node.js ${process.versions.node})`);
    return undefined;
  },
});
