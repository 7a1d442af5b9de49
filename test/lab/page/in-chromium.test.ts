/** The illustrated login in a real Chromium: it asks nobody, shows every byte, and is everybody's to use. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeTranscript } from "../../../src/lab/transcript/make-transcript.js";
import { staticPage } from "../../../src/lab/transcript/static-page.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { CHROMIUM, NO_CHROMIUM, startChromium } from "../chromium.js";
import { calls, rings } from "../dialogue.js";
import { PAGE, transcripts } from "./illustrated.js";

const ADDRESS = pathToFileURL(PAGE).href;
const DESK = { width: 1280, height: 800 };
const TELEPHONE = { width: 360, height: 640 };
const PROJECTOR = { width: 1920, height: 1080 };
const [textbook] = transcripts;

describe.skipIf(CHROMIUM === undefined)(`the illustrated login${CHROMIUM ? "" : `: ${NO_CHROMIUM}`}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser?.close());

  /** A page in a window of its own, and all that it asked for and complained of. */
  async function open(options: BrowserContextOptions = {}, address = ADDRESS) {
    const context = await browser.newContext({ viewport: DESK, reducedMotion: "reduce", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(address);
    return { page, requests, complaints, [Symbol.asyncDispose]: () => context.close() };
  }

  test("asks for nothing but itself, and runs without a complaint", async () => {
    await using opened = await open();
    const { page, requests, complaints } = opened;
    for (const summary of await page.locator("summary").all()) await summary.click();
    await page.getByRole("radio", { name: "AES, with an HMAC" }).check({ force: true });
    expect(requests).toEqual([ADDRESS]);
    expect(complaints).toEqual([]);
  });

  test("of another recording shows what came twice and what was refused", async () => {
    const refusal = new KrbError("KRB_AP_ERR_REPEAT", "this request was seen before");
    const again = { ...calls[2]!, response: undefined, refusal };
    const about = { title: "Replayed", scene: "standard", realm: "EXAMPLE.TEST" } as const;
    const transcript = makeTranscript([...calls, again], rings(), about);
    const folder = await mkdtemp(join(tmpdir(), "tessera-page-"));
    try {
      await writeFile(join(folder, "page.html"), staticPage([transcript]));
      await using opened = await open({}, pathToFileURL(join(folder, "page.html")).href);
      const { page, complaints } = opened;
      expect(complaints).toEqual([]);
      expect(await page.locator(".message").count()).toBe(8);
      expect(await page.locator("#message-8").textContent()).toContain("KRB_AP_ERR_REPEAT, 34: ");
      expect(await page.getByRole("link", { name: "KRB_AP_ERR_REPEAT" }).count()).toBe(1);
      expect(await faults(page)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("could not ask if it wanted to: what the policy forbids fails", async () => {
    await using opened = await open();
    const { page, complaints } = opened;
    const asked = await page.evaluate(() => fetch("http://127.0.0.1:9/").then(String, () => "refused"));
    expect(asked).toBe("refused");
    expect(complaints.join()).toContain("Content Security Policy");
  });

  test("shows all bytes of each message, whoever reads it", async () => {
    await using opened = await open();
    const { page } = opened;
    for (const reader of ["C", "AS", "TGS", "V", "eavesdropper"]) {
      await page.locator(`input[value="${reader}"]`).check({ force: true });
      const sizes = await page
        .locator(".bytes")
        .evaluateAll((lists) =>
          lists.map((list) =>
            [...list.querySelectorAll(".run .hex")].reduce(
              (sum, run) => sum + (run.textContent!.match(/[0-9a-f]{2}/g)?.length ?? 0),
              0,
            ),
          ),
        );
      expect(sizes).toEqual(textbook!.messages.map(({ hex }) => hex.length / 2));
    }
  });

  test("the chosen party's boxes are open, and nobody's are if nobody's keys are in hand", async () => {
    await using opened = await open();
    const { page } = opened;
    const openBoxes = () => page.locator("#message-5 .box.open").count();
    expect(await openBoxes()).toBe(2);
    await page.locator('input[value="V"]').check({ force: true });
    expect(await openBoxes()).toBe(3);
    await page.locator('input[value="eavesdropper"]').check({ force: true });
    expect(await page.locator(".box.open").count()).toBe(0);
    expect(await page.locator(".box.closed").count()).toBe(12);
  });

  test("a byte is explained when it is pointed at, and when the arrow keys come to it", async () => {
    await using opened = await open();
    const { page } = opened;
    const said = page.locator("#message-1 .explanation");
    await centred(page, "#m1-2 .hex").then((run) => run.hover());
    expect(await said.textContent()).toContain("alice@EXAMPLE.TEST");
    await page.locator("#message-1 .bytes").focus();
    await page.keyboard.press("End");
    expect(await said.textContent()).toContain("padding");
    await page.keyboard.press("ArrowLeft");
    expect(await said.textContent()).toContain("nonce");
    expect(await page.locator("#message-1 .bytes").getAttribute("aria-activedescendant")).toBe(
      await page.locator('#message-1 [aria-selected="true"]').getAttribute("id"),
    );
  });

  test("a byte is explained when it is tapped, in a window of 360 pixels, and is in view with its text", async () => {
    await using opened = await open({ viewport: TELEPHONE, hasTouch: true });
    const { page } = opened;
    await centred(page, "#m2-0 .hex").then((run) => run.tap());
    const said = page.locator("#message-2 .explanation");
    expect(await said.textContent()).toContain("tag of client");
    const place = await said.boundingBox();
    expect(place!.y).toBeLessThan(TELEPHONE.height);
  });

  test.each([
    ["a telephone", TELEPHONE],
    ["a desk", DESK],
    ["a projector", PROJECTOR],
  ])("nothing is wider than the window of %s", async (_, viewport) => {
    await using opened = await open({ viewport });
    const wide = await opened.page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(wide).toBeLessThanOrEqual(0);
  });

  test.each<[string, BrowserContextOptions]>([
    ["in light", { colorScheme: "light" }],
    ["in dark", { colorScheme: "dark" }],
    ["in a small window", { viewport: TELEPHONE }],
  ])("axe finds nothing %s", async (_, options) => {
    await using opened = await open(options);
    const { page } = opened;
    for (const scene of ["textbook-ecb", "textbook"]) {
      await page.locator(`input[value="${scene}"]`).check({ force: true });
      await centred(page, "#m2-0 .hex").then((run) => run.click());
      expect(await faults(page)).toEqual([]);
    }
  });

  test("every control has a name, and Tab reaches it", async () => {
    await using opened = await open();
    const { page } = opened;
    const controls = await controlsOf(page);
    expect(controls.length).toBeGreaterThan(20);
    expect(controls.filter(({ name }) => name === "")).toEqual([]);
    const reached = new Set<string>();
    for (let i = 0; i < 3 * controls.length; i++) {
      await page.keyboard.press("Tab");
      const mark = await page.evaluate<string | null>('document.activeElement.getAttribute("data-mark")');
      if (mark !== null) reached.add(mark);
    }
    expect(controls.filter(({ mark }) => !reached.has(mark))).toEqual([]);
  });

  test("DES shows the published values of each round", async () => {
    await using opened = await open();
    const { page } = opened;
    const round = page.getByRole("slider", { name: "Round" });
    expect(await page.locator(".round").textContent()).toContain("1b02effc7072");
    await round.focus();
    await page.keyboard.press("End");
    expect(await page.locator(".round").textContent()).toContain("cb3d8b0e17f5");
    expect(await page.locator(".result").textContent()).toBe("85e813540f0ab405");
    await page.getByRole("radio", { name: "a block of message 1" }).check({ force: true });
    expect(await page.locator(".result").textContent()).not.toBe("85e813540f0ab405");
  });

  test("the three pictures are drawn, and the six answers fold out", async () => {
    await using opened = await open();
    const { page } = opened;
    const colours = await page.evaluate<number[]>(`
      [...document.querySelectorAll("canvas")].map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return new Set(data.filter((_, i) => i % 4 === 0)).size;
      })`);
    expect(colours[0]).toBe(2);
    expect(colours[1]).toBeGreaterThan(8);
    expect(colours[2]).toBe(256);
    const questions = page.locator(".questions details");
    expect(await questions.count()).toBe(6);
    for (const question of await questions.all()) {
      await question.locator("summary").click();
      expect(await question.locator("p").isVisible()).toBe(true);
    }
  });
});

/** A part of the page, scrolled to where nothing covers it. */
async function centred(page: Page, selector: string) {
  const part = page.locator(selector);
  await part.evaluate((element) => element.scrollIntoView({ block: "center" }));
  return part;
}

/** What axe finds on a page as it is. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<axe.AxeResults> } }).axe.run(),
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, html }) => `${id}: ${target}: ${html}`));
}

/** The controls that Tab should reach, marked, with their names as a screen reader has them. */
async function controlsOf(page: Page): Promise<{ readonly mark: string; readonly name: string }[]> {
  // Tab reaches a group of radio buttons at the one that is chosen.
  const selector =
    "a[href], button, select, textarea, summary, [tabindex='0'], input:not([type='radio']), input:checked";
  const marks = await page.evaluate<string[]>(`
    [...document.querySelectorAll("${selector}")]
      .filter((control) => control.checkVisibility())
      .map((control, i) => {
        control.setAttribute("data-mark", i);
        return String(i);
      })`);
  const devtools = await page.context().newCDPSession(page);
  const named = [];
  for (const mark of marks) {
    const { result } = await devtools.send("Runtime.evaluate", {
      expression: `document.querySelector('[data-mark="${mark}"]')`,
    });
    const { nodes } = await devtools.send("Accessibility.getPartialAXTree", {
      objectId: result.objectId!,
      fetchRelatives: false,
    });
    named.push({ mark, name: String(nodes[0]?.name?.value ?? "") });
  }
  return named;
}
