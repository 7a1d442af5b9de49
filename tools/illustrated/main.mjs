/** Writes docs/illustrated/index.html: `npm run illustrated`. */
import { writeFileSync } from "node:fs";
import { makeIllustratedPage, PAGE } from "./page.mjs";

writeFileSync(PAGE, await makeIllustratedPage());
