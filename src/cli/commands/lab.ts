/** `tessera lab`: the live page, until it is told to end. */
import { defineCommand } from "../frame/command.js";

export const command = defineCommand({
  name: "lab",
  usage: ["[--scene SCENE] [--port PORT] [--challenges DIR] [--open]"],
  description:
    "Makes a realm in a temporary folder, starts its three servers, and serves a page on loopback: log in, " +
    "get a ticket, call V; each message is held until you let it go, and can be changed before. Prints the " +
    "page's address, which opens it once: the token in it is good for one browser. Ctrl-C ends the lab and " +
    "removes everything.",
  examples: ["tessera lab", "tessera lab --scene textbook-ecb --open", "tessera lab --port 8810"],
  options: {
    scene: {
      value: "SCENE",
      help: "what to begin with: textbook-ecb (DES_ECB), textbook (DES) or standard (AES); textbook",
    },
    port: { value: "PORT", help: "where the page is on 127.0.0.1; any free port" },
    challenges: { value: "DIR", help: "whose score is shown; ./tessera-challenges" },
    open: { help: "open the page in the browser" },
  },
  isUnconfigured: true,
  arguments: [0, 0],
  run: async ({ options, json, ...around }) => {
    const { runLab } = await import("../lab/live.js");
    await runLab({ ...options, json }, around);
    return undefined;
  },
});
