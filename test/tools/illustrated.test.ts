/** The illustrated login is what a recording makes of this code, byte for byte. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { makeIllustratedPage, PAGE } from "../../tools/illustrated/page.mjs";

test("recorded anew, with servers on other ports, it is the same", async () => {
  const recorded = await makeIllustratedPage();
  const isSame = recorded === readFileSync(PAGE, "utf8");
  expect(isSame, "docs/illustrated/index.html is not what the code makes: npm run illustrated").toBe(true);
});
