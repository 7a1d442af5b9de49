/** `tessera attack list`: the attacks that can be run. */
import { defineCommand } from "../frame/command.js";

export const command = defineCommand({
  name: "attack list",
  usage: [""],
  description: "Lists the attacks that `tessera attack run` carries out against real servers.",
  examples: ["tessera attack list", "tessera attack list --json"],
  options: {},
  isUnconfigured: true,
  arguments: [0, 0],
  run: async ({ json, screen }) => {
    const { listAttacks } = await import("../lab/attack.js");
    listAttacks(screen, json);
    return undefined;
  },
});
