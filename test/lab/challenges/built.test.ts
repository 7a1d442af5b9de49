/** What is built: no flag is in it, and a learner's script finds the workbench. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Shell } from "../../cli/command.js";
import { contentsOf } from "./desk.js";

test("in the built package there is no flag but the examples of the help", () => {
  const dist = fileURLToPath(new URL("../../../dist", import.meta.url));
  const flags = contentsOf(dist).flatMap(
    (bytes) => bytes.toString("latin1").match(/tessera(?:-[0-9a-hjkmnp-tv-z]{4}){4}/g) ?? [],
  );
  const examples = ["tessera-0000-0000-0000-0000", "tessera-xxxx-xxxx-xxxx-xxxx"];
  expect([...new Set(flags)].toSorted()).toEqual(examples);
});

/** The script of docs/challenges.md. */
function script(): string {
  const page = readFileSync(new URL("../../../docs/challenges.md", import.meta.url), "utf8");
  return /```js\n(\/\/ tessera-challenges\/silver-ticket\/ask\.mjs\n[\s\S]*?)```/.exec(page)![1]!;
}

async function outputOf(child: ChildProcess, until = /$^/): Promise<string> {
  let printed = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
  });
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    printed += chunk.toString();
    if (until.test(printed)) break;
  }
  return printed;
}

test("the script of the documentation runs where a challenge was started, and is refused", async () => {
  const shell = new Shell();
  const realm = shell.start(["challenge", "start", "--json", "silver-ticket"]);
  try {
    expect(await outputOf(realm, /\n/)).toContain('"event":"ready"');
    const folder = `${shell.dir}/tessera-challenges/silver-ticket`;
    writeFileSync(`${folder}/ask.mjs`, script());
    const asked = await outputOf(spawn(process.execPath, ["ask.mjs"], { cwd: folder }));
    expect(asked).toMatch(/^KRB_ERR_GENERIC request: required\n$/);
    realm.kill("SIGINT");
    expect(await once(realm, "close")).toEqual([0, null]);
  } finally {
    realm.kill("SIGKILL");
    shell.remove();
  }
});
