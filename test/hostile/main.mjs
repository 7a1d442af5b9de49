// `npm run test:hostile`: hostile bytes, calls and crashes at the long sizes. Prints the seed; sizes and seed may
// be given in the environment, by the names in runs.ts. `--only FILE...` runs these files; what follows `--` is
// handed on to vitest.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const SIZES = {
  TESSERA_FUZZ_DECODES: "100000",
  TESSERA_FUZZ_TIMES: "100000",
  TESSERA_FUZZ_CALLS: "20000",
  TESSERA_KILL_ROUNDS: "200",
  TESSERA_FUZZ_SEED: String(Date.now() % 2 ** 31),
};
const CONTRACT = ["bad-input", "resealed-input", "public-input", "guarded-input"];
const TESTS = ["test/hostile", ...CONTRACT.map((name) => `test/contract/${name}.test.ts`)];

const args = process.argv.slice(2);
const end = args.indexOf("--");
const [own, vitestArgs] = end === -1 ? [args, []] : [args.slice(0, end), args.slice(end + 1)];
const { values, positionals } = parseArgs({
  args: own,
  options: { only: { type: "boolean", default: false } },
  allowPositionals: true,
});
const env = { ...SIZES, ...process.env };
for (const name of Object.keys(SIZES)) console.log(`${name}=${env[name]}`);
const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const tests = values.only ? positionals : TESTS;
const { status } = spawnSync(process.execPath, [vitest, "run", ...tests, ...vitestArgs], {
  cwd: fileURLToPath(new URL("../..", import.meta.url)),
  env,
  stdio: "inherit",
});
process.exitCode = status ?? 1;
