// The programs of a run, each in one file: a process of the service starts in half the time. A planted fault
// changes the code on its way into the bundle, and nowhere else.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** What a bundle of packages in CommonJS wants to find. */
const BANNER = `
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const __dirname = import.meta.dirname ?? ".";
`;

/**
 * Bundles a program of this folder. Resolves to its path.
 * @param fault one of faults.mjs, which goes with it; undefined: the code as it is.
 */
export async function bundle(name, folder, fault) {
  const outfile = join(folder, name);
  let isPlanted = false;
  const planting = {
    name: "planted fault",
    setup: ({ onLoad }) =>
      onLoad({ filter: /[\\/]dist[\\/]/ }, ({ path }) => {
        if (!path.replaceAll("\\", "/").endsWith(`/dist/${fault.file}`)) return undefined;
        const parts = readFileSync(path, "utf8").split(fault.find);
        if (parts.length !== 2) throw new Error(`${fault.file}: ${parts.length - 1} places, expected one`);
        isPlanted = true;
        return { contents: parts.join(fault.replace), loader: "js" };
      }),
  };
  await build({
    entryPoints: [fileURLToPath(new URL(name, import.meta.url))],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    external: ["lmdb", "fs-native-extensions"],
    banner: { js: BANNER },
    plugins: fault === undefined ? [] : [planting],
    logLevel: "error",
  });
  if (fault !== undefined && !isPlanted) throw new Error(`${fault.file} is no part of ${name}`);
  return outfile;
}
