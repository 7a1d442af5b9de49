/** Makes the illustrated login: record.mjs, in a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Where the page is kept. */
export const PAGE = fileURLToPath(new URL("../../docs/illustrated/index.html", import.meta.url));

/** Records the login anew; returns the page. What the page runs has to be built (`npm run build`). */
export async function makeIllustratedPage() {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("record.mjs", import.meta.url))],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20.19",
    packages: "external",
    logLevel: "warning",
  });
  // As standard input the program finds its packages where it is run.
  const recording = spawn(process.execPath, ["--input-type=module"], {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "inherit"],
  });
  recording.stdin.end(outputFiles[0].text);
  const [page, [code]] = await Promise.all([text(recording.stdout), once(recording, "exit")]);
  if (code !== 0) throw new Error(`the recording ended with ${code}`);
  return page;
}
