/** `tessera scene run`: a scene of the textbook between real servers, with the attack that shows its hole. */
import { TEXTBOOK_SCENE_NAMES } from "../../lab/scenes/scene-table.js";
import { defineCommand } from "../frame/command.js";
import { oneOf } from "../lab/named.js";

export const command = defineCommand({
  name: "scene run",
  usage: ["textbook-ecb|textbook|standard"],
  description:
    "Makes a realm in a temporary folder, with real servers on free ports of loopback; logs alice in, gets " +
    "a ticket, calls V, and prints the six messages in brief; then runs the attack that shows what is " +
    "still wrong. `tessera demo` and `tessera trace` show the messages in full.",
  examples: ["tessera scene run textbook-ecb", "tessera scene run standard --json"],
  options: {},
  isUnconfigured: true,
  arguments: [1, 1],
  words: TEXTBOOK_SCENE_NAMES,
  run: async ({ positionals, json, screen }) => {
    const name = oneOf("scene", positionals[0]!, TEXTBOOK_SCENE_NAMES);
    const { playScene } = await import("../lab/scene.js");
    return playScene(name, screen, json);
  },
});
