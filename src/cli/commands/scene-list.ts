/** `tessera scene list`: the scenes of the textbook. */
import { defineCommand } from "../frame/command.js";

export const command = defineCommand({
  name: "scene list",
  usage: [""],
  description:
    "Lists the scenes by which the textbook arrives at Kerberos, each of which mends a hole of the one " +
    "before. The last three run.",
  examples: ["tessera scene list", "tessera scene list --json"],
  options: {},
  isUnconfigured: true,
  arguments: [0, 0],
  run: async ({ json, screen }) => {
    const { listScenes } = await import("../lab/scene.js");
    listScenes(screen, json);
    return undefined;
  },
});
