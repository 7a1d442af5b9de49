/**
 * The static page of what somebody did in the lab, or traced: calls in any order, refused ones among them.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { staticPage } from "../../../src/lab/transcript/static-page.js";
import type { Transcript, TranscriptMessage } from "../../../src/lab/transcript/transcript.js";
import { CHROMIUM, NO_CHROMIUM, startChromium } from "../chromium.js";
import { transcripts } from "./illustrated.js";

const [textbook] = transcripts;
const [asReq, asRep] = textbook!.messages as [TranscriptMessage, TranscriptMessage];
const refused: TranscriptMessage = {
  ...asRep,
  hex: "",
  tree: { ...asRep.tree, length: 0, children: [] },
  sealed: [],
  refusal: { reason: "KDC_ERR_PREAUTH_FAILED", code: 24, text: "pre-authentication failed" },
};
/** A login that was refused, and then one that was not. */
const recorded: Transcript = {
  ...textbook!,
  title: "call put-note text='</title>&amp;'",
  messages: [asReq, refused, asReq, asRep],
};

describe.skipIf(CHROMIUM === undefined)(`a recorded page${CHROMIUM ? "" : `: ${NO_CHROMIUM}`}`, () => {
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    browser = await startChromium();
    folder = await mkdtemp(join(tmpdir(), "tessera-recorded-"));
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true });
  });

  async function open() {
    const file = join(folder, "page.html");
    await writeFile(file, staticPage([recorded]));
    const page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(pathToFileURL(file).href);
    return page;
  }

  test("has its own title, whatever stands in it", async () => {
    const page = await open();
    expect(await page.title()).toBe(recorded.title);
    expect(await page.locator("h1").innerText()).toBe(recorded.title);
    await page.close();
  });

  test("says of a refusal what was refused, and not what the answer would have held", async () => {
    const page = await open();
    const answer = await page.locator("#message-2").innerText();
    expect(answer).toContain("KDC_ERR_PREAUTH_FAILED, 24: pre-authentication failed.");
    expect(answer).not.toContain("Two boxes");
    expect(await page.locator("#message-2 .bytes").count()).toBe(0);
    await page.close();
  });

  test("explains a message the first time it comes, and finds the times where they are", async () => {
    const page = await open();
    const explained = await page
      .locator(".message")
      .evaluateAll((messages) => messages.map((message) => message.querySelector(".prose") !== null));
    expect(explained).toEqual([true, false, false, true]);
    const begins = page.getByRole("row").filter({ hasText: "When the first ticket begins" });
    expect(await begins.innerText()).toContain("09:00:00.020");
    await page.close();
  });
});
