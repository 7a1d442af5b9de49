/** The long checks by name. None of them is run here. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { CHECKS } = await import(new URL("../../tools/release-check/checks.mjs", import.meta.url).href);

function releaseCheck(...args: readonly string[]) {
  const options = { cwd: root, encoding: "utf8" } as const;
  return spawnSync(process.execPath, ["tools/release-check/main.mjs", ...args], options);
}

test("--list names each check and its command, and every program is there", () => {
  const { status, stdout } = releaseCheck("--list");
  expect(status).toBe(0);
  const lines = Object.entries(CHECKS as Record<string, string>).map(
    ([name, command]) => `${name}: ${command}`,
  );
  expect(stdout).toBe(`${lines.join("\n")}\n`);
  for (const command of Object.values(CHECKS as Record<string, string>)) {
    const program = command.split(" ").find((word) => word.endsWith(".mjs"))!;
    expect(existsSync(`${root}${program}`)).toBe(true);
  }
});

test.each([
  [["--only", "nothing"], "release-check: no check nothing: guard-chaos, "],
  [["--olny", "guard-chaos"], "release-check: Unknown option '--olny'"],
])("wrong use is told, and nothing runs: %j", (args, text) => {
  const { status, stdout, stderr } = releaseCheck(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain(text);
  expect(stderr).toContain("usage: npm run release-check");
});
