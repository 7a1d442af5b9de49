/** `tessera attack show`: explains an attack. */
import { ATTACK_NAMES } from "../../lab/attacks/names.js";
import { defineCommand } from "../frame/command.js";
import { oneOf } from "../lab/named.js";

export const command = defineCommand({
  name: "attack show",
  usage: ["NAME"],
  description: "Explains an attack: what it needs, what stops it, and how it ends in each scene.",
  examples: ["tessera attack show cut-and-paste"],
  options: {},
  isUnconfigured: true,
  arguments: [1, 1],
  words: ATTACK_NAMES,
  run: async ({ positionals, json, screen }) => {
    const name = oneOf("attack", positionals[0]!, ATTACK_NAMES);
    const { showAttack } = await import("../lab/attack.js");
    showAttack(name, screen, json);
    return undefined;
  },
});
