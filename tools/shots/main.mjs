/** Makes README's pictures: `npm run shots`. A function each; what they show has to be built. */
import { fileURLToPath } from "node:url";
import { startChromium } from "./chromium.mjs";

const SHOTS = [illustratedLogin];

const browser = await startChromium();
try {
  for (const shot of SHOTS) await shot(browser);
} finally {
  await browser.close();
}

/** Message 2 of the illustrated login, as alice reads it. */
async function illustratedLogin(browser) {
  const page = await browser.newPage({
    viewport: { width: 1240, height: 600 },
    colorScheme: "light",
    reducedMotion: "reduce",
  });
  await page.goto(new URL("../../docs/illustrated/index.html", import.meta.url).href);
  const message = page.locator("#message-2");
  await message.locator(".run.key .hex").click();
  // What sticks to the top would lie over the message.
  await page.locator(".hand").evaluate((hand) => hand.remove());
  const { left, top, width } = await message.evaluate((section) => {
    const { left, top, width } = section.getBoundingClientRect();
    return { left, top: top + section.ownerDocument.defaultView.scrollY, width };
  });
  const clip = { x: left - 20, y: top + 20, width: width + 40, height: 520 };
  await page.screenshot({ path: pathOf("docs/illustrated/login.png"), clip, fullPage: true });
  await page.close();
}

function pathOf(name) {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}
