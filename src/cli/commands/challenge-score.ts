/** `tessera challenge score`: what a learner's work comes to. */
import { defineCommand } from "../frame/command.js";
import { CHALLENGE_OPTIONS, challengeDir } from "../options/challenge-options.js";

export const command = defineCommand({
  name: "challenge score",
  usage: ["[--dir DIR]"],
  description: "Shows which challenges are solved, with how many hints, and what that comes to.",
  examples: ["tessera challenge score", "tessera challenge score --json"],
  options: CHALLENGE_OPTIONS,
  isUnconfigured: true,
  arguments: [0, 0],
  run: async ({ options, json, screen }) => {
    const { readScore } = await import("../../lab/challenges/score.js");
    const score = await readScore(challengeDir(options.dir));
    if (json) {
      screen.printJson(score);
      return undefined;
    }
    const { scoreLines } = await import("../lab/challenge-text.js");
    screen.printAll(scoreLines(score));
    return undefined;
  },
});
