// The processes of the service: always the same number of them, but for the moments in which one was killed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Processes of one service, each in its place. */
export class Processes {
  #folder;
  #program;
  #places;
  /** Those that are not dead, in a place or on their way to one. */
  #children = new Set();
  #started = 0;
  #closed = false;

  /** @param folder where the key file is, and the logs go. @param program a process of the service. */
  constructor(folder, count, program) {
    this.#folder = folder;
    this.#program = program;
    this.#places = Array.from({ length: count }, () => undefined);
  }

  get count() {
    return this.#places.length;
  }

  async start() {
    await Promise.all(this.#places.map((_, place) => this.#start(place)));
  }

  /** The port of the process in a place; undefined while it starts. */
  port(place) {
    return this.#places[place]?.port;
  }

  /** The ports of all that run. */
  get ports() {
    return this.#places.flatMap((running) => (running === undefined ? [] : [running.port]));
  }

  /** Kills the process in a place with -9. Resolves when it is dead; another is on its way then. */
  async kill(place) {
    const { child } = this.#places[place];
    this.#places[place] = undefined;
    await killed(child);
    if (!this.#closed) void this.#start(place);
  }

  /** Kills them all. Resolves when they are dead, those too that were still starting: their folder may go. */
  async close() {
    this.#closed = true;
    await Promise.all([...this.#children].map(killed));
  }

  async #start(place) {
    const log = join(this.#folder, `${place}.${this.#started++}.log`);
    const child = spawn(process.execPath, [this.#program, join(this.#folder, "chaos.key"), log], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    const [port] = await once(createInterface(child.stdout), "line");
    if (!this.#closed) this.#places[place] = { child, port: Number(port) };
  }
}

/** Kills a process that has not exited. Resolves when it has. */
async function killed(child) {
  child.kill("SIGKILL");
  await once(child, "exit");
}
