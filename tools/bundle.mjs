/**
 * Makes dist/cli: the `tessera` command as a bundle, with a chunk for what each command alone needs, so that
 * it does not start by loading two hundred modules. Packages that are large, or native, stay of their own.
 * Beside the bundle stand the notices of the packages in it. Then makes the pages (bundle-pages.mjs).
 */
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { bundlePages } from "./bundle-pages.mjs";

const OUT = "dist/cli";

rmSync(OUT, { recursive: true, force: true });
const { metafile } = await build({
  // The workbench is what the scripts of those who solve challenges import.
  entryPoints: { main: "src/cli/main.ts", bench: "src/lab/challenges/bench.ts" },
  outdir: OUT,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  external: [
    "@grpc/grpc-js",
    "lmdb",
    "ioredis",
    "fs-native-extensions",
    "protobufjs",
    "csv-parse/sync",
    "smol-toml",
    "prom-client",
    "@opentelemetry/api",
    "pg",
    "node-pg-migrate",
    "pino",
  ],
  metafile: true,
  logLevel: "warning",
});
// Beside the modules that read them: those of the bundle, and those of the library.
for (const out of [OUT, "dist/store/postgres"])
  cpSync("src/store/postgres/migrations", `${out}/migrations`, { recursive: true });
chmodSync(`${OUT}/main.js`, 0o755);
writeFileSync(`${OUT}/NOTICES.txt`, notices(metafile));
await bundlePages();

/** The packages in the bundle, the notices at the head of their files, and the licence that these name. */
function notices({ outputs }) {
  const used = Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([path, { bytesInOutput }]) => path.startsWith("node_modules/") && bytesInOutput > 0)
    .map(([path]) => path);
  const packages = new Set(used.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)[1]));
  const heads = new Set(used.map((path) => /^(?:\/\/.*\n)*/.exec(readFileSync(path, "utf8"))[0]));
  const names = [...packages].map((name) => {
    const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
    return `${name} ${version}: ${license}`;
  });
  // Files that name the Apache License bring no copy of it; that of another package has the same text.
  const apache = readFileSync("node_modules/@grpc/grpc-js/LICENSE", "utf8");
  const parts = [`The bundle contains code of:\n\n${names.sort().join("\n")}\n`, ...heads, apache];
  return parts.filter((part) => part !== "").join(`\n${"-".repeat(80)}\n\n`);
}
