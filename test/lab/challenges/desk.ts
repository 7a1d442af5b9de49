/** A learner's desk: a folder, and the steps by which a challenge is begun, worked at and handed in. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBase64, readWorld } from "../../../src/lab/challenges/bench.js";
import type { Challenge } from "../../../src/lab/challenges/challenge.js";
import type { HandedIn } from "../../../src/lab/challenges/work.js";
import { beginFiles, beginRealm, handIn } from "../../../src/lab/challenges/work.js";
import type { World } from "../../../src/lab/challenges/world.js";

/** A desk with a challenge on it; end it with `await using`. */
export class Desk implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), "tessera-desk-"));
  /** What the realm told while it ran. */
  readonly told: string[] = [];
  readonly challenge: Challenge;
  #close: () => Promise<void> = async () => {};

  private constructor(challenge: Challenge) {
    this.challenge = challenge;
  }

  /** Begins a challenge. */
  static async with(challenge: Challenge, scene: "lesson" | "standard" = "lesson"): Promise<Desk> {
    const desk = new Desk(challenge);
    if (challenge.kind === "files") await beginFiles(desk.dir, challenge, Date.now());
    else {
      const told = (text: string) => void desk.told.push(text);
      const { running } = await beginRealm(desk.dir, challenge, { scene, told });
      desk.#close = () => running.close();
    }
    return desk;
  }

  /** The path of a file of the challenge. */
  path(name: string): string {
    return join(this.dir, this.challenge.name, name);
  }

  text(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  base64(name: string): Uint8Array {
    return readBase64(this.path(name));
  }

  write(name: string, contents: string | Uint8Array): void {
    writeFileSync(this.path(name), contents, { mode: 0o600 });
  }

  get world(): World {
    return readWorld(this.path("realm.json"));
  }

  handIn(flag: string): Promise<HandedIn> {
    return handIn(this.dir, this.challenge, flag, Date.now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The flag in some text. Throws if there is none. */
export function flagIn(text: string): string {
  const found = /tessera(?:-[0-9a-z]{4}){4}/.exec(text)?.[0];
  if (found === undefined) throw new Error(`no flag in ${text.slice(0, 200)}`);
  return found;
}

/** Waits until something is there. */
export async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Everything in a folder, file by file. */
export function contentsOf(folder: string): Buffer[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
}
