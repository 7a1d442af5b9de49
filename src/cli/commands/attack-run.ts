/** `tessera attack run`: attacks a realm made for the purpose. */
import { ATTACK_NAMES } from "../../lab/attacks/names.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { oneOf } from "../lab/named.js";
import { chosenScenes, SCENE_OPTIONS } from "../lab/scene-choice.js";
import { readWords } from "../lab/word-file.js";

export const command = defineCommand({
  name: "attack run",
  usage: ["NAME [--scene SCENE | --profile PROFILE]", "--all [--scene SCENE | --profile PROFILE]"],
  description:
    "Makes a realm in a temporary folder, with real servers on free ports of loopback, and attacks it: " +
    "step by step, with the verdict, the check that gave it, and the paragraph that explains it. By " +
    "default in each of the scenes: textbook-ecb (keys of DES_ECB), textbook and standard. No realm but " +
    "those is touched. Exits with 1 if an attack ended otherwise than `tessera attack show` says.",
  examples: [
    "tessera attack run cut-and-paste",
    "tessera attack run replay --profile standard",
    "tessera attack run guess --scene textbook --words words.txt",
    "tessera attack run --all --profile standard --json",
  ],
  options: {
    all: { help: "run all attacks, and print a table" },
    ...SCENE_OPTIONS,
    words: {
      value: "FILE",
      help: "words to guess a password from, one a line, for the attack guess; bob's password is one of them",
    },
  },
  isUnconfigured: true,
  arguments: [0, 1],
  words: ATTACK_NAMES,
  run: async ({ options, positionals: [typed], json, screen }) => {
    if (options.all === (typed !== undefined))
      throw new UsageError(options.all ? "--all goes without a name" : "which attack? NAME, or --all");
    const name = typed === undefined ? undefined : oneOf("attack", typed, ATTACK_NAMES);
    if (options.words !== undefined && name !== undefined && name !== "guess")
      throw new UsageError("--words is for the attack guess");
    const scenes = chosenScenes(options);
    const words = options.words === undefined ? undefined : await readWords(options.words);
    const { runAttacks } = await import("../lab/attack.js");
    return runAttacks({ name, scenes, words, json }, screen);
  },
});
