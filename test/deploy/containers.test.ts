import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DEFAULT_PORTS } from "../../src/rpc/default-addresses.js";
import { serveArguments } from "./serve-arguments.js";

const ROOT = new URL("../../", import.meta.url);
const text = readFileSync(new URL("deploy/containers/Containerfile", ROOT), "utf8").replace(/\\\n/g, " ");

/** The arguments of an instruction, each time it is given. */
function given(instruction: string): string[] {
  return [...text.matchAll(new RegExp(`^${instruction} (.*)$`, "gm"))].map(([, words]) => words!);
}

describe("the Containerfile, which no test builds", () => {
  test("copies files that there are", () => {
    const sources = given("COPY")
      .filter((words) => !words.startsWith("--from"))
      .flatMap((words) => words.split(" ").slice(0, -1));
    expect(sources.length).toBeGreaterThan(2);
    for (const source of sources) expect(existsSync(new URL(source, ROOT)), source).toBe(true);
  });

  test("runs under a number, so that runAsNonRoot can check it", () => {
    expect(given("USER")).toEqual(["65532:65532"]);
  });

  test("opens the servers' ports and the metrics'", () => {
    const metrics = 9464;
    expect(given("EXPOSE")).toEqual([`${Object.values(DEFAULT_PORTS).join(" ")} ${metrics}`]);
  });

  test("runs AS and TGS unless told otherwise", () => {
    expect(given("ENTRYPOINT")).toEqual(['["tessera"]']);
    expect(serveArguments(JSON.parse(given("CMD")[0]!)).positionals).toEqual(["as", "tgs"]);
  });

  test("is one Node throughout, one that the package supports", () => {
    const bases = given("FROM").map((words) => words.split(" ")[0]);
    expect(new Set(bases).size).toBe(1);
    expect(bases[0]).toMatch(/\/node:2[46]-/);
  });
});
