/** docs/attacks.md says of each attack what its row says; that the rows are true, test/lab/attacks shows. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { attacksPage } from "./attacks-page.js";

test("docs/attacks.md is made from the table of attacks", async () => {
  await expect(attacksPage()).toMatchFileSnapshot(
    fileURLToPath(new URL("../../docs/attacks.md", import.meta.url)),
  );
});
