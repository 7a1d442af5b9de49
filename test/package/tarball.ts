/** What `npm pack` would put into the tarball, and package.json's doors. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
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

/**
 * Makes a folder one that has installed the package: unpacked from its tarball, beside links to its
 * dependencies, and to the types of Node, that are here; nothing is fetched.
 */
export function unpack(dir: string): void {
  const tarball = packInto(dir);
  const own = join(dir, "node_modules", "tessera-sso");
  mkdirSync(own, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", own]);
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));
  const names = Object.keys({ ...dependencies, ...peerDependencies, "@types/node": "" });
  // Of a scope all.
  for (const dependency of new Set(names.map((name) => name.split("/")[0]!)))
    symlinkSync(join(ROOT, "node_modules", dependency), join(dir, "node_modules", dependency));
}

/** Makes the tarball in a folder; returns its path. `dist` has to be built. */
export function packInto(dir: string): string {
  const words = ["pack", "--json", "--ignore-scripts", "--pack-destination", dir];
  const [{ filename }] = JSON.parse(execFileSync("npm", words, { cwd: ROOT, encoding: "utf8" })) as [
    { filename: string },
  ];
  return join(dir, filename);
}
