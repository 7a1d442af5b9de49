/** `tessera scene show`: tells a scene of the textbook. */
import { TEXTBOOK_SCENE_NAMES } from "../../lab/scenes/scene-table.js";
import { defineCommand } from "../frame/command.js";
import { oneOf } from "../lab/named.js";

export const command = defineCommand({
  name: "scene show",
  usage: ["SCENE"],
  description:
    "Tells a scene: its messages, what of the scene before it mends, the hole that is left, and the attack " +
    "that shows it.",
  examples: ["tessera scene show own-word", "tessera scene show textbook-ecb"],
  options: {},
  isUnconfigured: true,
  arguments: [1, 1],
  words: TEXTBOOK_SCENE_NAMES,
  run: async ({ positionals, json, screen }) => {
    const name = oneOf("scene", positionals[0]!, TEXTBOOK_SCENE_NAMES);
    const { showScene } = await import("../lab/scene.js");
    showScene(name, screen, json);
    return undefined;
  },
});
