/** `tessera kdestroy`: logs out. */
import { fileCache } from "../../client/file-credential-cache.js";
import { defineCommand } from "../frame/command.js";
import { cachePath } from "../frame/environment.js";
import { CACHE_OPTIONS } from "../options/client-options.js";

export const command = defineCommand({
  name: "kdestroy",
  usage: ["[-q] [-c FILE]"],
  description: "Logs out: overwrites the credential cache and removes it. It is no failure if there is none.",
  examples: ["tessera kdestroy"],
  options: { ...CACHE_OPTIONS, quiet: { short: "q", help: "say nothing if nobody was logged in" } },
  absent: {
    A: "there is one cache at a time: name it with -c FILE",
    p: "there is one cache at a time: name it with -c FILE",
  },
  arguments: [0, 0],
  run: async ({ options, json, screen, env }) => {
    const cache = fileCache(cachePath(env, options.cache));
    const destroyed = await cache.destroy();
    if (json) screen.printJson({ cache: cache.name, destroyed });
    else if (!destroyed && !options.quiet) screen.notice(`nobody was logged in: there is no ${cache.name}`);
    return undefined;
  },
});
