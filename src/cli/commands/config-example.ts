/** `tessera config example`: prints a configuration to begin with. */
import { defineCommand } from "../frame/command.js";

export const command = defineCommand({
  name: "config example",
  usage: [""],
  description:
    "Prints a tessera.toml with every key, what it means and its default, all of it commented out: write " +
    "it to ~/.config/tessera/tessera.toml or /etc/tessera/tessera.toml, and take the # away from what you " +
    "change.",
  examples: ["tessera config example > ~/.config/tessera/tessera.toml", "tessera config example --json"],
  options: {},
  isUnconfigured: true,
  arguments: [0, 0],
  run: async ({ json, screen }) => {
    const { exampleLines } = await import("../config/example.js");
    const lines = exampleLines();
    if (json) screen.printJson({ text: `${lines.join("\n")}\n` });
    else screen.printAll(lines);
    return undefined;
  },
});
