import { describe, expect, it } from "vitest";
import { EndRequests, SignalQueue } from "../../../src/cli/frame/signal-queue.js";

describe("signals", () => {
  it("are taken in the order in which they arrive, waited for or not", async () => {
    const queue = new SignalQueue();
    const first = queue.next();
    for (const name of ["SIGHUP", "SIGUSR2", "SIGTERM"]) queue.add(name);
    expect([await first, await queue.next(), await queue.next()]).toEqual(["SIGHUP", "SIGUSR2", "SIGTERM"]);
  });
});

describe("a request to end", () => {
  it("is the same one within half a second, whoever passes it on, and is in earnest after that", () => {
    const requests = new EndRequests();
    const meanings = [7_000, 7_000, 7_499, 7_500, 90_000].map((now) => requests.meaningOf(now));
    expect(meanings).toEqual(["in order", "the same", "the same", "at once", "at once"]);
  });
});
