/** The Chromium that tests use is that of README's pictures. */
export { CHROMIUM, NO_CHROMIUM, startChromium } from "../../tools/shots/chromium.mjs";
