/** `tessera challenge join`: makes a learner's folder one of a class. */
import { defineCommand } from "../frame/command.js";
import { CHALLENGE_OPTIONS, challengeDir } from "../options/challenge-options.js";

export const command = defineCommand({
  name: "challenge join",
  usage: ["[--dir DIR] KIT"],
  description:
    "Makes the learner's folder one of a class, with the kit that the teacher made for this student " +
    "(tessera challenge reset). The challenges' flags are then those of the class.",
  examples: ["tessera challenge join alice.kit"],
  options: CHALLENGE_OPTIONS,
  isUnconfigured: true,
  arguments: [1, 1],
  run: async ({ options, positionals, json, screen }) => {
    const { readKit } = await import("../lab/class-files.js");
    const { joinClass } = await import("../../lab/challenges/work.js");
    const kit = await readKit(positionals[0]!);
    const dir = challengeDir(options.dir);
    await joinClass(dir, kit);
    if (json) screen.printJson({ ...kit.owner, dir });
    else screen.print(`${dir}: ${kit.owner.student}, class ${kit.owner.class}`);
    return undefined;
  },
});
