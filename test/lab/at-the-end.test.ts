/** What is done at the end is done once, by whichever signal the process ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "tessera-end-"));
beforeAll(() => {
  const source = readFileSync(new URL("../../src/lab/at-the-end.ts", import.meta.url), "utf8");
  writeFileSync(join(folder, "at-the-end.mjs"), transformSync(source, { loader: "ts" }).code);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program with two things to do at the end, and gives how it ended and what it printed. */
async function ended(then: string, signal?: NodeJS.Signals) {
  const program = [
    'import { writeSync } from "node:fs";',
    'import { atTheEnd } from "./at-the-end.mjs";',
    'atTheEnd(() => writeSync(1, "first "));',
    'const takeBack = atTheEnd(() => writeSync(1, "second "));',
    then,
    'writeSync(1, "up ");',
  ];
  writeFileSync(join(folder, "main.mjs"), program.join("\n"));
  const child = spawn(process.execPath, [join(folder, "main.mjs")], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  child.stdout.on("data", (chunk) => {
    printed += chunk;
    if (signal !== undefined && String(chunk).includes("up")) child.kill(signal);
  });
  const [code, by] = await once(child, "close");
  return { code, by, printed };
}

const WAIT = "setInterval(() => {}, 1000);";

describe("what is done at the end", () => {
  test("is done at exit", async () => {
    expect(await ended("")).toEqual({ code: 0, by: null, printed: "up first second " });
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "is done at %s, by which the process ends",
    async (by) => {
      const { printed, ...how } = await ended(WAIT, by);
      expect(how).toEqual({ code: null, by });
      expect(printed.split(" ").sort()).toEqual(["", "first", "second", "up"]);
    },
  );

  test("waits where the program takes the signal itself", async () => {
    const take = `${WAIT} process.on("SIGTERM", () => { writeSync(1, "taken "); process.exit(3); });`;
    expect(await ended(take, "SIGTERM")).toEqual({ code: 3, by: null, printed: "up taken first second " });
  });

  test("can be taken back", async () => {
    expect(await ended(`${WAIT} takeBack();`, "SIGTERM")).toEqual({
      code: null,
      by: "SIGTERM",
      printed: "up first ",
    });
  });
});
