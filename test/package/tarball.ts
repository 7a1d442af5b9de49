/** What `npm pack` would put into the tarball, and package.json's doors. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The paths of the packed files. `dist` has to be built; prepack is not run. */
export function packedFiles(): string[] {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const [tarball] = JSON.parse(execFileSync("npm", args, { cwd: ROOT, encoding: "utf8" }));
  return (tarball.files as { path: string }[]).map(({ path }) => path);
}

/** The doors by the names under which others import them, and the module behind each. */
export function doors(): { name: string; module: string }[] {
  const { name, exports } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));
  return Object.entries<string | { default: string }>(exports)
    .filter(([subpath]) => subpath !== "./package.json")
    .map(([subpath, target]) => ({
      name: name + subpath.slice(1),
      module: typeof target === "string" ? target : target.default,
    }));
}
