/** The page that draws the house names every room there is, and no other. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ROOMS, roomOf } from "../architecture/rooms.js";

const design = readFileSync(new URL("../../docs/design.md", import.meta.url), "utf8");

test("each room has a line that says what may go in", () => {
  const named = [...design.matchAll(/^src\/([a-z/-]+\/) +\S.*$/gm)].map(([, folder]) => roomOf(folder!));
  expect([...new Set(named)].sort()).toEqual(Object.keys(ROOMS).sort());
});
