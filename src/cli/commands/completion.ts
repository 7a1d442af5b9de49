/** `tessera completion`: prints what a shell needs to complete commands and options. */
import { bashScript } from "../completion/bash.js";
import { completedCommands } from "../completion/completed-command.js";
import { fishScript } from "../completion/fish.js";
import { zshScript } from "../completion/zsh.js";
import { defineCommand, UsageError } from "../frame/command.js";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };
const SHELLS = Object.keys(SCRIPTS);

export const command = defineCommand({
  name: "completion",
  usage: [SHELLS.join("|")],
  description:
    "Prints a script by which a shell completes commands and options. It is made from the commands that " +
    "this version has: evaluate it when a shell starts, or write it anew after an update.",
  examples: [
    "tessera completion fish > ~/.config/fish/completions/tessera.fish",
    'eval "$(tessera completion bash)"',
    'eval "$(tessera completion zsh)"',
  ],
  options: {},
  isUnconfigured: true,
  arguments: [1, 1],
  words: SHELLS,
  run: async ({ positionals: [shell], json, screen, commands }) => {
    if (!Object.hasOwn(SCRIPTS, shell!)) throw new UsageError(`expected one of ${SHELLS.join(", ")}`);
    const script = SCRIPTS[shell as keyof typeof SCRIPTS](await completedCommands(commands));
    if (json) screen.printJson({ shell, script });
    else screen.print(script);
    return undefined;
  },
});
