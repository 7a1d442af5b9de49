/** The live page in a real Chromium, from login to export. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Transcript } from "../../../src/lab/transcript/transcript.js";
import { Shell } from "../../cli/command.js";
import { axeFindings } from "../axe.js";
import { CHROMIUM, NO_CHROMIUM, startChromium } from "../chromium.js";
import { OpenedLab } from "./opened-lab.js";

let browser: Browser;
const dir = mkdtempSync(join(tmpdir(), "tessera-lab-page-"));
beforeAll(async () => {
  if (CHROMIUM !== undefined) browser = await startChromium();
});
afterAll(async () => {
  await browser?.close();
  rmSync(dir, { recursive: true });
});

const LOGIN = "1 Log in";
const TICKET = "2 Get a ticket for V";
const ACCESS = "3 Call V: who am I?";

describe.skipIf(CHROMIUM === undefined)(`the live page (${CHROMIUM ?? NO_CHROMIUM})`, () => {
  it("goes from login to export, each message held, and the boxes open for whose keys are in hand", async () => {
    await using opened = await OpenedLab.open(browser);
    const { page } = opened;
    expect(page.url()).not.toContain("token");
    await opened.through(LOGIN, 1, 2);
    await opened.through(TICKET, 3, 4);
    await opened.through(ACCESS, 5, 6);
    await page.getByText("V knows who calls: alice@EXAMPLE.TEST").waitFor();
    const arrows = page.getByRole("link", { name: /^Message \d/ });
    expect(await arrows.count()).toBe(6);
    // Message 5 holds the ticket for V, which alice can't read.
    await page.getByRole("link", { name: /^Message 5\b/ }).click();
    const ticket = (open: string) => page.getByRole("group", { name: `Ticket_v: ${open} K_v` });
    await ticket("sealed under").waitFor();
    await page.getByRole("radio", { name: "the service" }).check();
    await ticket("opened with").waitFor();
    await page.getByRole("radio", { name: "an eavesdropper, who has no key" }).check();
    await ticket("sealed under").waitFor();
    expect(await page.locator(".looked-at .box.open").count()).toBe(0);
    // Back and forward through what travelled.
    await opened.press("← Back");
    await page.getByRole("heading", { name: "4 TGS to C" }).waitFor();
    await opened.press("Forward →");
    await opened.press("Forward →");
    await page.getByRole("heading", { name: "6 V to C" }).waitFor();
    expect(await page.getByRole("button", { name: "Forward →" }).isDisabled()).toBe(true);

    await page.getByText("Who holds which key").click();
    expect(await page.getByRole("row").count()).toBe(1 + 7);
    const transcript = JSON.parse(readFileSync(await kept(page, "as JSON"), "utf8")) as Transcript;
    expect(transcript.messages.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
    const html = await kept(page, "as a page");
    const statics = await browser.newPage();
    onTestFinished(() => statics.close());
    await statics.goto(pathToFileURL(html).href);
    expect(await statics.getByRole("link", { name: /^Message \d/ }).count()).toBe(6);
  });

  it("changes a byte of a message, and says which check refused it and why", async () => {
    await using opened = await OpenedLab.open(browser);
    const { page } = opened;
    await opened.through(LOGIN, 1, 2);
    await opened.press(TICKET);
    await opened.held(3);
    const byte = page.getByRole("spinbutton", { name: "Byte" });
    const at = Number(await byte.inputValue());
    await opened.press("Change the byte");
    await page.getByText(`Changed on its way: byte ${at} was`).waitFor();
    await opened.press("Let it go");
    const refused = page.getByRole("article").filter({ hasText: "Refused get a ticket for V" });
    await refused.waitFor();
    expect(await refused.innerText()).toMatch(
      /by TGS: KRB_AP_ERR_MODIFIED \(41\)\s+the request is not the one the authenticator was made for/,
    );
    await page.getByRole("link", { name: /^Message 4\b.*KRB_AP_ERR_MODIFIED/ }).waitFor();
    await page.getByRole("link", { name: /^Message 3\b.*changed/ }).waitFor();
  });

  it("flips a bit of the ticket, changes a field, and takes both back", async () => {
    await using opened = await OpenedLab.open(browser);
    const { page } = opened;
    await opened.through(LOGIN, 1, 2);
    await opened.press(TICKET);
    await opened.held(3);
    await page.getByRole("button", { name: /^Flip a bit of Ticket/ }).click();
    await page.getByText(/Changed on its way: byte \d+ was/).waitFor();
    await page.getByRole("combobox", { name: "Field" }).selectOption("body.server");
    await page.getByRole("textbox", { name: "to", exact: true }).last().fill("mallory@EXAMPLE.TEST");
    await opened.press("Change the field");
    await page.getByText(/Changed on its way: it had \d+ bytes/).waitFor();
    await page.getByText("mallory@EXAMPLE.TEST").first().waitFor();
    await opened.press("Take the changes back");
    await page.getByText("Changed on its way").waitFor({ state: "detached" });
    await opened.press("Let it go");
    await opened.held(4);
    await opened.press("Lose it");
    await page.getByText("no answer: the response was lost on the way").waitFor();
  });

  it("turns the clock, sends a request again, and says what came of both", async () => {
    await using opened = await OpenedLab.open(browser);
    const { page } = opened;
    await page.getByRole("checkbox", { name: "Hold each message on its way" }).uncheck();
    await opened.through(LOGIN);
    await opened.through(TICKET);
    await opened.through(ACCESS);
    await page.getByRole("link", { name: /^Message 5\b/ }).click();
    await opened.press("Send these bytes again");
    await page.getByText("KRB_AP_ERR_REPEAT (34)").waitFor();
    await opened.press("Turn the clock by +11 hours");
    await page.getByText("turned by +11 h").waitFor();
    await opened.press(ACCESS);
    await page
      .getByText(/KRB_AP_ERR_TKT_EXPIRED/)
      .first()
      .waitFor();
  });

  it("runs an attack where it is allowed, and where it is blocked", async () => {
    await using opened = await OpenedLab.open(browser);
    const { page } = opened;
    await opened.press("Attacks");
    await opened.press("One bit of a recorded authenticator, flipped");
    await opened.press("in DES in ECB");
    await page.getByRole("heading", { name: "textbook-ecb: ALLOWED" }).waitFor();
    await opened.press("in AES");
    await page.getByRole("heading", { name: "standard: BLOCKED" }).waitFor();
    await page.getByText("by V: KRB_AP_ERR_BAD_INTEGRITY").waitFor();
  });

  it("plays another scene, and shows the score of the challenges", async () => {
    await using opened = await OpenedLab.open(browser, { challenges: dir });
    const { page } = opened;
    await opened.through(LOGIN, 1, 2);
    await page.getByRole("radio", { name: "standard: AES with an HMAC" }).check();
    await page.getByText("Nothing has travelled yet").waitFor();
    await page.getByRole("button", { name: LOGIN, disabled: false }).waitFor();
    await opened.press(LOGIN);
    await opened.held(1);
    await opened.press("Challenges");
    await page.getByText("0 of 12 solved: 0 of 340 points").waitFor();
    expect(await page.getByRole("row").count()).toBe(13);
  });

  it("says that the lab was ended", async () => {
    await using opened = await OpenedLab.open(browser);
    await opened.lab[Symbol.asyncDispose]();
    await opened.page.getByText("The lab does not answer. Was it ended?").waitFor();
    opened.complaints.length = 0;
  });
});

describe.skipIf(CHROMIUM === undefined)("Ctrl-C", () => {
  it("ends the lab in order, with a page open and a message held", async () => {
    const shell = new Shell();
    onTestFinished(() => shell.remove());
    const child = shell.start(["lab"]);
    const ended = once(child, "close");
    const [url] = (await once(createInterface(child.stdout), "line")) as [string];
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(url);
    await page.getByRole("button", { name: LOGIN }).click();
    await page.getByRole("button", { name: "Let it go" }).waitFor();
    child.kill("SIGINT");
    expect(await ended).toEqual([0, null]);
    await page.getByText("The lab does not answer. Was it ended?").waitFor();
  });
});

describe.skipIf(CHROMIUM === undefined)("for every reader", () => {
  it.each(["light", "dark"] as const)("axe finds nothing, %s", async (colorScheme) => {
    await using opened = await OpenedLab.open(browser, { colorScheme });
    const { page } = opened;
    expect(await axeFindings(page), "at the start").toEqual([]);
    await opened.through(LOGIN, 1, 2);
    await opened.press(TICKET);
    await opened.held(3);
    await page.getByRole("button", { name: /^Flip a bit of Ticket/ }).click();
    await page.getByText("Changed on its way").waitFor();
    for (const width of [360, 1280, 1920]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await axeFindings(page), `held, ${width} wide`).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth"), "its width").toBe(width);
    }
    await opened.press("Let it go");
    await page.getByText("Refused get a ticket for V").waitFor();
    expect(await axeFindings(page), "refused").toEqual([]);
    await opened.press("Attacks");
    await opened.press("in DES");
    await page.getByRole("heading", { name: "textbook: BLOCKED" }).waitFor();
    expect(await axeFindings(page), "attacks").toEqual([]);
    await opened.press("Challenges");
    await page.getByRole("table").waitFor();
    expect(await axeFindings(page), "challenges").toEqual([]);
  });

  it("every control has a name, and Tab reaches it", async () => {
    await using opened = await OpenedLab.open(browser);
    const { page } = opened;
    await opened.through(LOGIN, 1, 2);
    await opened.press(TICKET);
    await opened.held(3);
    expect(await reachedByTab(page)).toEqual(await controls(page));
    await opened.press("Attacks");
    expect(await reachedByTab(page)).toEqual(await controls(page));
  });

  it("a login can be typed", async () => {
    await using opened = await OpenedLab.open(browser);
    const { page } = opened;
    const tabTo = async (name: string) => {
      const wanted = page.getByRole("button", { name, exact: true });
      await wanted.waitFor();
      const reached = wanted.and(page.locator(":focus"));
      for (let i = 0; (await reached.count()) === 0; i++) {
        if (i > 100) throw new Error(`Tab does not reach ${name}`);
        await page.keyboard.press("Tab");
      }
      await page.keyboard.press("Enter");
    };
    await tabTo(LOGIN);
    for (const number of [1, 2]) {
      await opened.held(number);
      await tabTo("Let it go");
    }
    await page.getByText("Done log in").waitFor();
  });
});

describe.skipIf(CHROMIUM === undefined)("another page", () => {
  it("gets nothing of the lab: no link leads into it, no frame shows it, no script reads or changes it", async () => {
    await using opened = await OpenedLab.open(browser);
    const { url } = opened.lab;
    // It even knows where the lab is.
    const place = url.slice(0, url.indexOf("?"));
    // In the browser that holds the lab's cookie: another port of this machine is the same site.
    const evil = await serve(`<a href="${place}">in</a><iframe src="${place}"></iframe>`);
    const page = await opened.page.context().newPage();
    const frame = page.waitForEvent("requestfailed", (request) => request.url() === place);
    await page.goto(evil);
    await frame;
    const asked = await page.evaluate(async (lab) => {
      const get = await fetch(`${lab}transcript.json`, { credentials: "include" }).catch(() => "not read");
      await fetch(`${lab}api/take`, {
        method: "POST",
        mode: "no-cors",
        credentials: "include",
        body: '{"step":"login"}',
      }).catch(() => {});
      return get;
    }, place);
    expect(asked).toBe("not read");
    await page.getByRole("link", { name: "in" }).click();
    await page.getByText("(FOREIGN_ORIGIN)").waitFor();
    expect(await opened.page.getByRole("link", { name: /^Message/ }).count()).toBe(0);
  });

  it("at another port is not sent the lab's cookie, as it would be if that were for all paths", async () => {
    await using opened = await OpenedLab.open(browser);
    const cookies: (string | undefined)[] = [];
    const others = await serve("<script>fetch('/more')</script>", ({ headers }) =>
      cookies.push(headers.cookie),
    );
    const page = await opened.page.context().newPage();
    const more = page.waitForResponse(`${others}more`);
    await page.goto(others);
    await more;
    expect(cookies.length).toBeGreaterThanOrEqual(2);
    expect(new Set(cookies)).toEqual(new Set([undefined]));
    expect(await opened.page.context().cookies(opened.lab.url)).toHaveLength(1);
  });

  it("of another browser can't use the token a second time", async () => {
    await using opened = await OpenedLab.open(browser);
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const answer = await page.goto(opened.lab.url);
    expect([answer?.status(), await page.innerText("body")]).toEqual([
      403,
      expect.stringContaining("(TOKEN_USED)"),
    ]);
    // The browser that has it goes on, by the same address too.
    await opened.page.goto(opened.lab.url);
    await opened.page.getByRole("button", { name: LOGIN }).waitFor();
  });
});

/** Follows a link to a file that is kept, and gives its path. */
async function kept(page: Page, link: string): Promise<string> {
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: link }).click();
  const file = await download;
  const path = join(dir, file.suggestedFilename());
  await file.saveAs(path);
  return path;
}

/** A server of somebody else's page; its address. */
async function serve(
  body: string,
  onRequest: (request: IncomingMessage) => void = () => {},
): Promise<string> {
  const server = createServer((request, response) => {
    onRequest(request);
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><title>elsewhere</title>${body}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Names every control of a page: it is called for those that can be used, in the order of the page. */
const NAMED = `(element) => {
  const text = element.getAttribute("aria-label") ?? element.labels?.[0]?.innerText ?? element.innerText;
  return element.tagName.toLowerCase() + " " + text.trim().replace(/\\s+/g, " ");
}`;

/** The controls that can be used; of radio buttons the one that is checked, as arrows lead to the others. */
async function controls(page: Page): Promise<string[]> {
  const names = (await page.evaluate(`
    [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
      .filter((element) => !element.disabled && !(element.type === "radio" && !element.checked))
      .filter((element) => element.checkVisibility())
      .map(${NAMED})`)) as string[];
  for (const name of names) expect(name).toMatch(/^\w+ \S/);
  return names;
}

/** Where Tab leads, from the top to the end of the page. */
async function reachedByTab(page: Page): Promise<string[]> {
  await page.evaluate("document.body.tabIndex = -1; document.body.focus()");
  const reached: string[] = [];
  for (;;) {
    await page.keyboard.press("Tab");
    const name = (await page.evaluate(
      `document.activeElement === document.body ? "" : (${NAMED})(document.activeElement)`,
    )) as string;
    if (name === "" || reached.length > 300) return reached;
    reached.push(name);
  }
}
