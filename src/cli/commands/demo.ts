/**
 * `tessera demo`: a throwaway realm with real servers, the six messages, and three attempts that are refused.
 */
import { defineCommand } from "../frame/command.js";

export const command = defineCommand({
  name: "demo",
  usage: ["[--full] [--show-keys] [--profile textbook|standard]"],
  description:
    "Makes a realm in a temporary folder, starts its three servers on free ports, logs alice in, gets a " +
    "ticket for V, stores a note and reads it. Prints the six messages as they travelled: their sizes, " +
    "what is in them, and who can open which part. Then three attempts are refused: a wrong password, a " +
    "replayed authenticator, a tampered ticket. Last, a block of alice's ticket is pasted into somebody " +
    "else's: allowed in a second realm with keys of DES_ECB, refused in this one. Everything is removed at " +
    "the end.",
  examples: ["tessera demo", "tessera demo --full --show-keys", "tessera demo --profile standard --json"],
  options: {
    full: { help: "print all bytes" },
    "show-keys": { help: "print the session keys too; they are of no use after the demo" },
    profile: { value: "PROFILE", help: "textbook (DES) or standard (AES); textbook" },
  },
  isUnconfigured: true,
  arguments: [0, 0],
  run: async ({ options, json, screen }) => {
    const { runDemo } = await import("../dialogue/demo.js");
    const { full, profile = "textbook" } = options;
    await runDemo({ full, showKeys: options["show-keys"], profile, json }, screen);
    return undefined;
  },
});
