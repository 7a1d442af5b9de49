// Sends captured connections again, byte by byte as they travelled, to every process of the service.
import { connect } from "node:net";
import { AnswerReader, ping } from "./frames.mjs";
import { REPLAYER } from "./methods.mjs";

/** How long a process may take for all the calls of a connection, in milliseconds. */
const PATIENCE_MS = 20_000;
const AT_ONCE = 4;
/** How many processes may die over one connection. */
const MAX_TRIES = 20;

/** Replays in the order in which they are asked for. */
export class Replayer {
  /** How many calls were sent again and answered, and how often a process died over it. */
  calls = 0;
  cut = 0;
  /** Which connection is sent again, by the port that it comes from, as the processes see it. */
  byPort = new Map();
  /** Captures that no process answered in full. */
  unanswered = 0;
  #processes;
  #waiting = [];
  #running = new Set();

  constructor(processes) {
    this.#processes = processes;
  }

  get backlog() {
    return this.#waiting.length + this.#running.size;
  }

  /** Sends what was captured on a connection to every process, when its turn comes. */
  later(capture) {
    for (let place = 0; place < this.#processes.count; place++) this.#waiting.push({ capture, place });
    this.#next();
  }

  /** Resolves when nothing is left to be sent. */
  async drain() {
    while (this.#running.size > 0) await Promise.race(this.#running);
  }

  /** Sends what was captured on a connection to one process. Resolves to whether it answered all. */
  async send(capture, port) {
    if (capture.calls === 0) return true;
    const onConnected = (from) => this.byPort.set(from, `replay of connection ${capture.number}`);
    const isWhole = await exchange(capture, port, onConnected);
    if (isWhole) this.calls += capture.calls;
    else this.cut++;
    return isWhole;
  }

  #next() {
    while (this.#running.size < AT_ONCE && this.#waiting.length > 0) {
      const job = this.#work(this.#waiting.shift());
      this.#running.add(job);
      void job.then(() => {
        this.#running.delete(job);
        this.#next();
      });
    }
  }

  /** A process that dies over it is replaced by another, which gets the same. */
  async #work({ capture, place }) {
    for (let tries = 0; tries < MAX_TRIES; ) {
      const port = this.#processes.port(place);
      if (port === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
      else if (await this.send(capture, port)) return;
      else tries++;
    }
    this.unanswered++;
  }
}

function exchange({ bytes, ended }, port, onConnected) {
  return new Promise((resolve) => {
    const reader = new AnswerReader();
    const socket = connect({ port, host: "127.0.0.1", localAddress: REPLAYER });
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    let isWhole = false;
    socket.on("error", () => {});
    socket.on("connect", () => onConnected(socket.localPort));
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(isWhole);
    });
    socket.on("data", (chunk) => {
      reader.add(chunk);
      if (!reader.pinged || [...ended].some((stream) => !reader.ended.has(stream))) return;
      isWhole = true;
      socket.destroy();
    });
    socket.write(bytes);
    socket.write(ping());
  });
}
