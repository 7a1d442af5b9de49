/**
 * Processes and machines. A process that is killed loses its memory: it is built anew from what the disks
 * hold. A machine that loses its power takes its processes and all that its disks had not synced.
 */
import { status } from "@grpc/grpc-js";
import { statusOf } from "./network.mjs";

export class Process {
  name;
  address;
  /** Nodes of one kind take each other's requests, or refuse them. */
  kind;
  /** The process's clock minus the true one, in milliseconds. */
  offset = 0;
  #scheduler;
  #build;
  #life;

  /**
   * @param build makes what the process is, of `clock`, `uptime` and `open(disk)`: an object with
   *   `receive(request)`.
   */
  constructor({ scheduler, name, address, kind, build }) {
    this.#scheduler = scheduler;
    this.name = name;
    this.address = address;
    this.kind = kind;
    this.#build = build;
  }

  get isRunning() {
    return this.#life?.parts !== undefined;
  }

  /** What was built; undefined while it does not run. */
  get parts() {
    return this.#life?.parts;
  }

  /** Starts it; a process that can't start, for the sake of its disk, is dead again. */
  async start() {
    if (this.#life !== undefined) return;
    const bootedAt = this.#scheduler.now;
    const life = { opened: [], parts: undefined };
    this.#life = life;
    try {
      life.parts = await this.#build({
        clock: () => this.#scheduler.now + this.offset,
        uptime: () => this.#scheduler.now - bootedAt,
        open: (disk) => {
          const opened = disk.open();
          life.opened.push(opened);
          return opened;
        },
      });
    } catch (error) {
      if (error.name !== "StoreError") throw error;
      if (this.#life === life) this.kill();
    }
  }

  kill() {
    for (const opened of this.#life?.opened ?? []) opened.abandon();
    this.#life = undefined;
  }

  /** Resolves to undefined where the process died meanwhile. */
  async receive(request) {
    const life = this.#life;
    if (life?.parts === undefined) return { status: statusOf(status.UNAVAILABLE, "connection refused") };
    const answer = await life.parts.receive(request);
    return this.#life === life ? answer : undefined;
  }
}

/** Processes that share a machine's disks. */
export class Machine {
  processes;
  disks;

  constructor(processes, disks) {
    this.processes = processes;
    this.disks = disks;
  }

  losePower() {
    for (const process of this.processes) process.kill();
    for (const disk of this.disks) disk.losePower();
  }

  async start() {
    await Promise.all(this.processes.map((process) => process.start()));
  }
}
