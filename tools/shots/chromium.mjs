/** Debian's Chromium, driven by playwright-core. Where there is none, who asks for it is told so by name. */
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const PLACES = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** Where Chromium is; undefined if it is not installed. `CHROMIUM` names another place. */
export const CHROMIUM = PLACES.find((place) => place !== undefined && existsSync(place));

/** What is said where it is not there. */
export const NO_CHROMIUM = "Chromium is not installed: apt-get install chromium, or name it in CHROMIUM";

/** Starts Chromium, without a window and without calls of its own. Throws an Error if it is not there. */
export async function startChromium() {
  if (CHROMIUM === undefined) throw new Error(NO_CHROMIUM);
  return await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-lcd-text",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
