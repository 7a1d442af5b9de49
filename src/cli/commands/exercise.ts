/** `tessera exercise`: marks a server that the learner wrote, in a realm that lacks just that one. */
import { defineCommand } from "../frame/command.js";

export const command = defineCommand({
  name: "exercise",
  usage: ["tgs --cmd COMMAND [--stage N] [--keep-going]", "tgs --list"],
  description:
    "Build your own TGS: starts an AS and a V on free ports of loopback, then COMMAND, which is your " +
    "server, and marks it in twelve stages. Each says what was sent, what was expected, what arrived, and " +
    "the clause of the RFC. It ends at the first stage that fails. What your server is told, and three " +
    "skeletons to begin with, in TypeScript, Python and Go, are in docs/exercise.md. Exits with 0 if all " +
    "stages that were asked for passed.",
  examples: [
    "tessera exercise tgs --list",
    "tessera exercise tgs --cmd ./my-tgs",
    "tessera exercise tgs --cmd 'python3 main.py' --stage 5",
    "tessera exercise tgs --cmd ./my-tgs --keep-going --json",
  ],
  options: {
    cmd: { value: "COMMAND", help: "starts your server; for the shell" },
    stage: { value: "N", help: "run this stage alone" },
    "keep-going": { help: "run the stages after one that failed, too" },
    wait: { value: "SECONDS", help: "how long your server may take until it listens; 30" },
    list: { help: "list the stages, and run none" },
  },
  isUnconfigured: true,
  arguments: [1, 1],
  words: ["tgs"],
  run: async ({ options, positionals, json, screen, signal }) => {
    const { exercise } = await import("../lab/exercise.js");
    const { cmd, stage, wait, list } = options;
    const asked = { name: positionals[0]!, cmd, stage, wait, list, keepGoing: options["keep-going"], json };
    return exercise(asked, screen, signal);
  },
});
