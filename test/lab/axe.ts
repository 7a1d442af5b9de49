/** What axe-core finds in a page that is open. */
import axe from "axe-core";
import type { Page } from "playwright-core";

/** Each finding as a line: the rule, what it asks for, and where it is not kept. */
export async function axeFindings(page: Page): Promise<string[]> {
  // Evaluated, and not added as a script: the page's policy forbids scripts of others.
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(" ")}: ${failureSummary}`),
  );
}
