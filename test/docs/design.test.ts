/** The page that draws the house names every room there is, and no other. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ROOMS } from "../architecture/rooms.js";

const design = readFileSync(new URL("../../docs/design.md", import.meta.url), "utf8");

test("each room has one line that says what may go in", () => {
  const named = [...design.matchAll(/^src\/([a-z-]+)\/ +\S.*$/gm)].map(([, room]) => room!);
  expect(named.toSorted()).toEqual(Object.keys(ROOMS).sort());
});
