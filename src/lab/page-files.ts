/** What the pages run and look like: the files that the build makes of src/lab/page, in dist/lab/page. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ReadableError } from "../errors/readable-error.js";

/** A page: its files are named after it. */
export type PageName = "static" | "live";

/** The files of a page. */
export interface PageFiles {
  readonly script: string;
  readonly style: string;
  /** The licences of what is in the script. */
  readonly notices: string;
}

/** Reads the files of a page. Throws a ReadableError if the build has not made them. */
export function readPageFiles(page: PageName): PageFiles {
  const folder = join(packageRoot(), "dist/lab/page");
  const read = (name: string) => {
    const path = join(folder, name);
    if (!existsSync(path))
      throw new ReadableError(`${path} is not there`, { hint: "npm run build makes it" });
    return readFileSync(path, "utf8");
  };
  return { script: read(`${page}.js`), style: read(`${page}.style.css`), notices: read("NOTICES.txt") };
}

/** The folder of this package: as source and in a bundle this module lies at different depths. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
