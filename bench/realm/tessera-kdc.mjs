// `tessera serve as tgs`, a process of its own as an operator runs it, its log in a file.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { memoryOf, treeOf } from "./processes.mjs";

const TESSERA = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/**
 * @param {string} dir the realm's folder.
 * @param {readonly string[]} options of `tessera serve`.
 */
export async function startTesseraKdc(dir, options = []) {
  const words = ["serve", "as", "tgs", "--dir", dir, "--as-port", "0", "--tgs-port", "0", "--json"];
  const args = [TESSERA, ...words, "--log", `${dir}/log`, ...options];
  const began = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const ended = once(child, "exit").then(() => Promise.reject(new Error(`tessera serve: ${said}`)));
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise((resolve) => {
    lines.on("line", (line) => {
      const found = JSON.parse(line);
      if (found.ready) resolve(found);
    });
  });
  const { addresses } = await Promise.race([ready, ended]);
  ended.catch(() => {});
  const pids = treeOf(child.pid);
  return {
    addresses,
    pids,
    startMs: performance.now() - began,
    memory: () => memoryOf(pids),
    stop: async () => {
      child.kill("SIGTERM");
      await ended.catch(() => {});
    },
  };
}
