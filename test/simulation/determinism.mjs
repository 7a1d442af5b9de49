/**
 * The one place where this process is made to depend on its seed alone: from `takeOver` on, clocks, timers
 * and random numbers are the simulation's, for the product and everything below it. It can't be undone: a
 * simulation has a process of its own.
 */
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";

/** @param scheduler time. @param random where random bytes come from. */
export function takeOver(scheduler, random) {
  takeClocks(scheduler);
  takeTimers(scheduler);
  takeRandomness(random);
  // Errors are refusals here, many of them: where they were made is not worth its time.
  Error.stackTraceLimit = 0;
  // PBKDF2 would end in its own time, on another thread.
  crypto.pbkdf2 = (password, salt, iterations, size, digest, done) => {
    const key = crypto.pbkdf2Sync(password, salt, iterations, size, digest);
    scheduler.after(0, () => done(null, key));
  };
  syncBuiltinESMExports();
}

function takeClocks(scheduler) {
  const began = scheduler.now;
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...given) {
      if (given.length === 0) super(scheduler.now);
      else super(...given);
    }

    static now() {
      return scheduler.now;
    }
  };
  Object.defineProperty(performance, "now", { value: () => scheduler.now - began });
}

function takeTimers(scheduler) {
  const start = (ms, run, given) => {
    const event = scheduler.after(ms, () => run(...given));
    const timer = {
      ref: () => timer,
      unref: () => timer,
      hasRef: () => true,
      close: () => event.cancel(),
      [Symbol.dispose]: () => event.cancel(),
    };
    return timer;
  };
  const stop = (timer) => timer?.close();
  const taken = {
    setTimeout: (run, ms, ...given) => start(Math.max(1, ms ?? 1), run, given),
    setImmediate: (run, ...given) => start(0, run, given),
    setInterval: () => {
      throw new TypeError("setInterval: nothing in a simulation goes on for ever");
    },
    clearTimeout: stop,
    clearImmediate: stop,
    clearInterval: stop,
  };
  Object.assign(globalThis, taken);
  Object.assign(timers, taken);
}

function takeRandomness(random) {
  const fill = (bytes) =>
    random.fill(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)) && bytes;
  Object.assign(crypto, {
    randomBytes: (size) => fill(Buffer.alloc(size)),
    randomFillSync: (bytes) => fill(bytes),
    randomInt: (least, most) =>
      most === undefined ? random.between(0, least - 1) : random.between(least, most - 1),
    randomUUID: () => {
      const hex = fill(Buffer.alloc(16)).toString("hex");
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
        "-",
      );
    },
  });
  globalThis.crypto.getRandomValues = fill;
  Math.random = () => random.float();
}
