/** `tessera challenge show`: one challenge's task. */
import { CHALLENGE_NAMES } from "../../lab/challenges/challenge-names.js";
import { defineCommand } from "../frame/command.js";
import { CHALLENGE_OPTIONS, challengeDir } from "../options/challenge-options.js";

export const command = defineCommand({
  name: "challenge show",
  usage: ["[--dir DIR] NAME"],
  description:
    "Shows a challenge: its task, what it is worth, how far you have got, and the hints that you have seen.",
  examples: ["tessera challenge show whose-ticket"],
  options: CHALLENGE_OPTIONS,
  isUnconfigured: true,
  arguments: [1, 1],
  words: CHALLENGE_NAMES,
  run: async ({ options, positionals, json, screen }) => {
    const { challengeNamed } = await import("../../lab/challenges/challenge-table.js");
    const { readScore } = await import("../../lab/challenges/score.js");
    const challenge = challengeNamed(positionals[0]!);
    const { rows } = await readScore(challengeDir(options.dir));
    const row = rows.find((candidate) => candidate.name === challenge.name)!;
    if (json) {
      const { task, hints, lesson } = challenge;
      const shown = hints.slice(0, row.hints.shown);
      screen.printJson({ ...row, task, shown, ...(row.status === "solved" && { lesson }) });
      return undefined;
    }
    const { showLines } = await import("../lab/challenge-text.js");
    screen.printAll(showLines(row, challenge));
    return undefined;
  },
});
