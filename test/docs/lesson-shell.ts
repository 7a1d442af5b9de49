/**
 * The terminals of a lesson's reader. `tessera` runs in the test's own process, everything else in a shell of
 * the system's, all of it in one folder; servers listen on free ports in place of those that a reader has,
 * and a password comes by stdin in place of the keyboard.
 */
import { execFileSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandWords } from "../../src/cli/batch/command-words.js";
import { InProcess, type Running } from "../cli/in-process.js";
import { ROOT } from "../package/tarball.js";
import { eventually } from "../support/eventually.js";
import type { LessonCommand } from "./lesson-page.js";

/** Typed where a lesson names no password. */
const PASSWORD = "a horse of another colour";
/** Commands that go on until Ctrl-C, and what they print once they are ready. */
const GOING_ON: readonly (readonly [command: RegExp, ready: RegExp])[] = [
  [/^tessera serve/, /^ready /m],
  [/^tessera lab/, /^http:/m],
  [/^tessera challenge start (?:break|second|lifted|silver|spot|forge)/, /^hand in: /m],
];

/** What a command came to. */
export interface Typed {
  readonly code: number | null;
  readonly printed: string;
}

/** Some terminals in a folder. Between `enter` and `leave` the process is in that folder. */
export class LessonShell {
  readonly #shell = new InProcess();
  readonly #before = process.cwd();
  readonly #variables = new Map<string, Record<string, string>>();
  readonly #running = new Map<string, Running>();
  readonly #servers: { as?: string; tgs?: string; v?: string } = {};

  constructor() {
    delete this.#shell.env.TESSERA_REALM_DIR;
    delete this.#shell.env.TESSERA_CCACHE;
    this.#shell.env.NO_COLOR = "1";
    // What stands above the reader's folder in a clone.
    symlinkSync(join(ROOT, "node_modules"), this.#shell.file("node_modules"));
    process.chdir(this.#shell.dir);
  }

  /** Types a command into a terminal. What runs there is ended first, as by Ctrl-C. */
  async type(terminal: string, command: LessonCommand): Promise<Typed> {
    await this.#endRunning(terminal);
    const { line } = command;
    const variables = this.#variables.get(terminal) ?? {};
    this.#variables.set(terminal, variables);
    if (line.startsWith("export ")) {
      for (const word of commandWords(line.replaceAll("$PWD", this.#shell.dir)).slice(1)) {
        const [name, value] = word.split(/=(.*)/s) as [string, string];
        variables[name] = value;
      }
      return { code: 0, printed: "" };
    }
    for (const others of this.#variables.values())
      for (const name of Object.keys(others)) delete this.#shell.env[name];
    Object.assign(this.#shell.env, variables);
    const [, piped = "", file] = /^(.*?)(?: > (\S+))?$/.exec(line)!;
    const goesOn = GOING_ON.find(([pattern]) => pattern.test(line));
    if (goesOn !== undefined) return this.#start(terminal, this.#words(line), goesOn[1]);
    if (!line.startsWith("tessera ")) return this.#byTheSystem(line);
    let input = command.password ?? PASSWORD;
    let printed = "";
    let code: number | null = 0;
    for (const part of piped.split(" | ")) {
      const outcome = await this.#shell.runWords(this.#words(part), input);
      ({ code } = outcome);
      input = outcome.stdout;
      printed = outcome.stdout + outcome.stderr;
    }
    if (file === undefined) return { code, printed };
    writeFileSync(file, input);
    return { code, printed: printed.slice(input.length) };
  }

  /** What the command has printed that runs in a terminal. */
  shown(terminal: string): string {
    return this.#running.get(terminal)?.stdout() ?? "";
  }

  /** Ends what runs and removes the folder. */
  async leave(): Promise<void> {
    for (const terminal of this.#running.keys()) await this.#endRunning(terminal);
    process.chdir(this.#before);
    this.#shell.remove();
  }

  /** The words of a command of ours, as the test types them. */
  #words(line: string): string[] {
    const [, ...words] = commandWords(line);
    const [verb, noun] = words as [string, string | undefined];
    if (/^(?:kinit|trace)$/.test(verb) || (verb === "kadmin" && /^(?:addprinc|cpw)$/.test(noun ?? "")))
      if (!words.includes("-randkey")) words.push("--password-stdin");
    const { v } = this.#servers;
    if (/^(?:call|trace)$/.test(verb) && v !== undefined) words.push("--address", v);
    if (verb === "serve") words.push("--as-port", "0", "--tgs-port", "0", "--v-port", "0");
    return words;
  }

  async #start(terminal: string, words: readonly string[], ready: RegExp): Promise<Typed> {
    this.#shell.isTerminal = true; // a server's log is text there
    const running = this.#shell.start(words);
    this.#shell.isTerminal = false;
    this.#running.set(terminal, running);
    await Promise.race([
      eventually(() => {
        if (!ready.test(running.stdout())) throw new Error(`not ready: ${running.stdout()}`);
      }),
      running.outcome.then(({ code, stderr }) => {
        throw new Error(`tessera ${words.join(" ")} ended with ${code}: ${stderr}`);
      }),
    ]);
    for (const [, part, address] of running.stdout().matchAll(/\b(as|tgs|v)=(\S+)/g))
      this.#servers[part as "as" | "tgs" | "v"] = address!;
    const { as, tgs } = this.#servers;
    if (as !== undefined) this.#shell.env.TESSERA_KDC = `${as},${tgs}`;
    return { code: 0, printed: running.stdout() + running.stderr() };
  }

  async #endRunning(terminal: string): Promise<void> {
    const running = this.#running.get(terminal);
    this.#running.delete(terminal);
    running?.signal("SIGINT");
    const outcome = await running?.outcome;
    if (outcome !== undefined && outcome.code !== 0) throw new Error(outcome.stderr);
  }

  #byTheSystem(line: string): Typed {
    const options = { cwd: this.#shell.dir, encoding: "utf8", stdio: "pipe" } as const;
    return { code: 0, printed: execFileSync("bash", ["-ec", line.replaceAll("../", ROOT)], options) };
  }
}
