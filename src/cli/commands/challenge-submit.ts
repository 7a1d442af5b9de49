/** `tessera challenge submit`: hands in a flag. */
import { CHALLENGE_NAMES } from "../../lab/challenges/challenge-names.js";
import { defineCommand } from "../frame/command.js";
import { CHALLENGE_OPTIONS, challengeDir } from "../options/challenge-options.js";

export const command = defineCommand({
  name: "challenge submit",
  usage: ["[--dir DIR] NAME FLAG"],
  description:
    "Hands in the flag of a challenge. If it is right, the points are kept and what there was to learn is " +
    "shown; if not, the exit code is 1, and a flag of another learner or another class is named as such.",
  examples: ["tessera challenge submit whose-ticket tessera-0000-0000-0000-0000"],
  options: CHALLENGE_OPTIONS,
  isUnconfigured: true,
  arguments: [2, 2],
  words: CHALLENGE_NAMES,
  run: async ({ options, positionals, json, screen, now }) => {
    const { challengeNamed } = await import("../../lab/challenges/challenge-table.js");
    const { handIn } = await import("../../lab/challenges/work.js");
    const [name, flag] = positionals as [string, string];
    const challenge = challengeNamed(name);
    const handedIn = await handIn(challengeDir(options.dir), challenge, flag, now());
    const { refusedFlag, solvedLines } = await import("../lab/challenge-text.js");
    if (handedIn.verdict !== "right") throw refusedFlag(challenge, handedIn.verdict);
    const { points, solvedAt, again } = handedIn;
    const { lesson } = challenge;
    if (json) screen.printJson({ challenge: name, right: true, points, solvedAt, again, lesson });
    else screen.printAll(solvedLines(challenge, handedIn));
    return undefined;
  },
});
