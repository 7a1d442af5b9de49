/** `tessera challenge start`: writes a challenge's files, or runs its realm. */
import { CHALLENGE_NAMES } from "../../lab/challenges/challenge-names.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { CHALLENGE_OPTIONS, challengeDir } from "../options/challenge-options.js";

export const command = defineCommand({
  name: "challenge start",
  usage: ["[--dir DIR] [--scene standard] NAME"],
  description:
    "Begins a challenge: writes its files into the learner's folder, and where it has a realm runs that on " +
    "loopback until it is interrupted (Ctrl-C), telling what happens. Work at it from another terminal. " +
    "For a learner who is in no class, each start makes a new flag, and one of an earlier start no longer " +
    "counts. With --scene standard the realm is one with nothing left out: there the same steps must fail, " +
    "and no flag is to be had. Nothing leaves this machine.",
  examples: [
    "tessera challenge start whose-ticket",
    "tessera challenge start --scene standard lifted-header",
  ],
  options: {
    ...CHALLENGE_OPTIONS,
    scene: { value: "SCENE", help: "lesson, or standard: the same realm as it should be; lesson" },
  },
  isUnconfigured: true,
  arguments: [1, 1],
  words: CHALLENGE_NAMES,
  run: async ({ options, positionals, json, ...around }) => {
    const { challengeNamed } = await import("../../lab/challenges/challenge-table.js");
    const challenge = challengeNamed(positionals[0]!);
    const { scene = "lesson" } = options;
    if (scene !== "lesson" && scene !== "standard")
      throw new UsageError("--scene: expected lesson or standard");
    if (scene === "standard" && challenge.kind === "files")
      throw new UsageError(`--scene: ${challenge.name} is made of files and has no realm`);
    const { startChallenge } = await import("../lab/start-challenge.js");
    await startChallenge(challengeDir(options.dir), challenge, scene, json, around);
    return undefined;
  },
});
