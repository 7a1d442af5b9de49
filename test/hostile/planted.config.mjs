// How planted.mjs has the tests run: what they import of src comes from the copy of dist that it made.
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const copy = process.env.TESSERA_PLANTED;
if (copy === undefined) throw new Error("TESSERA_PLANTED: the copy of dist is not given");

export default {
  root,
  plugins: [
    {
      name: "src from a copy of dist",
      enforce: "pre",
      async resolveId(source, importer) {
        if (importer === undefined || !source.startsWith(".") || importer.startsWith(copy)) return undefined;
        const path = relative(join(root, "src"), join(importer, "..", source));
        return path.startsWith("..") ? undefined : join(copy, path);
      },
    },
  ],
  test: { testTimeout: 20_000 },
};
