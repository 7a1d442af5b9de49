import { readFileSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { InProcess } from "../in-process.js";

const shell = new InProcess();
afterAll(() => shell.remove());
const file = new URL("../../../package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
const node = process.versions.node;

it("version prints the package's version and Node's", async () => {
  const stdout = `tessera ${version} (Node.js ${node})\n`;
  expect(await shell.run("version")).toEqual({ code: 0, stdout, stderr: "" });
  expect(JSON.parse((await shell.run("version --json")).stdout)).toEqual({ tessera: version, node });
});

it.each(["--version", "-V"])("%s prints the package's version", async (option) => {
  expect(await shell.run(option)).toEqual({ code: 0, stdout: `tessera ${version}\n`, stderr: "" });
});

it("version takes no argument", async () => {
  const { code, stderr } = await shell.run("version x");
  expect([code, stderr]).toEqual([2, expect.stringContaining("too many arguments: at most 0, got 1\n")]);
});
