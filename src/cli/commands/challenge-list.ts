/** `tessera challenge list`: the challenges, and how far one has got. */
import { defineCommand } from "../frame/command.js";
import { CHALLENGE_OPTIONS, challengeDir } from "../options/challenge-options.js";

export const command = defineCommand({
  name: "challenge list",
  usage: ["[--dir DIR]"],
  description:
    "Lists the challenges from easy to hard: what each is worth, and how far one has got. Those of kind " +
    "files are solved with files alone; those of kind realm with a realm that runs meanwhile.",
  examples: ["tessera challenge list", "tessera challenge list --json"],
  options: CHALLENGE_OPTIONS,
  isUnconfigured: true,
  arguments: [0, 0],
  run: async ({ options, json, screen }) => {
    const { readScore } = await import("../../lab/challenges/score.js");
    const { rows } = await readScore(challengeDir(options.dir));
    if (json) {
      screen.printJson({ challenges: rows });
      return undefined;
    }
    const { listLines } = await import("../lab/challenge-text.js");
    screen.printAll(listLines(rows));
    return undefined;
  },
});
