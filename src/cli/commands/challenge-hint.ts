/** `tessera challenge hint`: the next hint of a challenge. */
import { CHALLENGE_NAMES } from "../../lab/challenges/challenge-names.js";
import { CommandError, defineCommand } from "../frame/command.js";
import { CHALLENGE_OPTIONS, challengeDir } from "../options/challenge-options.js";
import { wrapped } from "../screen/layout.js";

export const command = defineCommand({
  name: "challenge hint",
  usage: ["[--dir DIR] NAME"],
  description:
    "Shows the next hint of a challenge: from a nudge to nearly the answer. Each costs a fifth of what " +
    "the flag is worth, unless the challenge is solved already.",
  examples: ["tessera challenge hint equal-blocks"],
  options: CHALLENGE_OPTIONS,
  isUnconfigured: true,
  arguments: [1, 1],
  words: CHALLENGE_NAMES,
  run: async ({ options, positionals, json, screen }) => {
    const { challengeNamed } = await import("../../lab/challenges/challenge-table.js");
    const { nextHint } = await import("../../lab/challenges/work.js");
    const challenge = challengeNamed(positionals[0]!);
    const hint = await nextHint(challengeDir(options.dir), challenge);
    if (hint === undefined)
      throw new CommandError(
        `${challenge.name}: there are no more hints`,
        `those there were: tessera challenge show ${challenge.name}`,
        "no-more-hints",
      );
    if (json) screen.printJson({ challenge: challenge.name, ...hint });
    else screen.printAll([`Hint ${hint.number} of ${hint.of}`, ...wrapped(hint.text, 100)]);
    return undefined;
  },
});
