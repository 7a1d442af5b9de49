/** `tessera kdestroy`: logs out. */
import { fileCache } from "../../client/file-credential-cache.js";
import { defineCommand } from "../frame/command.js";
import { cachePath } from "../frame/environment.js";
import { CACHE_OPTIONS } from "../options/client-options.js";
import { notice, printJson } from "../screen/output.js";

export const command = defineCommand({
  name: "kdestroy",
  usage: ["[-c FILE]"],
  description: "Logs out: overwrites the credential cache and removes it. Nothing to remove is no failure.",
  examples: ["tessera kdestroy"],
  options: CACHE_OPTIONS,
  arguments: [0, 0],
  run: async ({ options, json }) => {
    const cache = fileCache(cachePath(options.cache));
    const destroyed = await cache.destroy();
    if (json) printJson({ cache: cache.name, destroyed });
    else if (!destroyed) notice(`nobody was logged in: there is no ${cache.name}`);
    return undefined;
  },
});
