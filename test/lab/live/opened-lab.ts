/** A lab that a real browser has opened, as its user goes about it. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { type RunningLab, startLab } from "../../../src/lab/live/start-lab.js";
import type { Scene } from "../../../src/lab/realm/scene-name.js";

/** What a lab begins with, and in which browser. */
export interface OpenedLabOptions extends BrowserContextOptions {
  readonly scene?: Scene;
  /** The folder of the learner's challenges. */
  readonly challenges?: string;
}

/** A lab and its page. */
export class OpenedLab implements AsyncDisposable {
  readonly lab: RunningLab;
  readonly page: Page;
  /** What the page complained of, and what it asked of others than the lab. */
  readonly complaints: string[] = [];

  private constructor(lab: RunningLab, page: Page) {
    this.lab = lab;
    this.page = page;
    const { origin } = new URL(lab.url);
    page.on("pageerror", ({ message }) => this.complaints.push(message));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== origin) this.complaints.push(request.url());
    });
  }

  /** Starts a lab and opens its page. */
  static async open(browser: Browser, options: OpenedLabOptions = {}): Promise<OpenedLab> {
    const { scene = "textbook", challenges = "/nowhere/tessera-challenges", ...context } = options;
    const lab = await startLab({ scene, port: 0, challenges });
    const own = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...context });
    const page = await own.newPage();
    page.setDefaultTimeout(30_000);
    const opened = new OpenedLab(lab, page);
    await page.goto(lab.url);
    await page.getByRole("button", { name: "1 Log in" }).waitFor();
    return opened;
  }

  /** Presses a button. */
  async press(name: string): Promise<void> {
    await this.page.getByRole("button", { name, exact: true }).click();
  }

  /** Waits until a message of that number is held. */
  async held(number: number): Promise<void> {
    await this.page.getByRole("link", { name: new RegExp(`^Message ${number}\\b.*held`) }).waitFor();
  }

  /** Begins a step, and lets its messages go. */
  async through(step: string, ...numbers: number[]): Promise<void> {
    await this.press(step);
    for (const number of numbers) {
      await this.held(number);
      await this.press("Let it go");
    }
    await this.page.getByRole("article").filter({ hasText: OUTCOMES[step]! }).waitFor();
  }

  /** Ends the browser's part and the lab; whatever the page complained of fails the test. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
    await this.lab[Symbol.asyncDispose]();
    expect(this.complaints).toEqual([]);
  }
}

/** What is said when a step is done. */
const OUTCOMES: Readonly<Record<string, string>> = {
  "1 Log in": "Done log in",
  "2 Get a ticket for V": "Done get a ticket for V",
  "3 Call V: who am I?": "Done call V",
};
