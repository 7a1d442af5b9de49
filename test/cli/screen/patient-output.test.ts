import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HELD_BYTES, PatientOutput, RETRY_MS } from "../../../src/cli/screen/patient-output.js";

/** A disk or a pipe: how many bytes it takes, and the error in place of more. */
function device() {
  const state = { written: "", room: Number.POSITIVE_INFINITY, code: "ENOSPC", errno: -28 };
  const take = (bytes: Uint8Array) => {
    if (state.room === 0) throw Object.assign(new Error("write"), { code: state.code, errno: state.errno });
    const taken = Math.min(bytes.length, state.room);
    state.room -= taken;
    state.written += Buffer.from(bytes.subarray(0, taken)).toString();
    return taken;
  };
  return { state, take };
}

let state: ReturnType<typeof device>["state"];
let output: PatientOutput;
const onTrouble = vi.fn();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTrouble.mockClear();
  const made = device();
  state = made.state;
  output = new PatientOutput(made.take, { lineOf: (text) => `# ${text}\n`, onTrouble });
});
afterEach(() => void vi.useRealTimers());

/** Writes so many lines of 1,024 bytes. */
function write(lines: number): void {
  for (let i = 0; i < lines; i++) output.write(`${String(i).padStart(1023)}\n`);
}

describe("an output that can't be written", () => {
  it("holds lines, says why once, and writes them in their order when it can", () => {
    state.room = 0;
    for (const line of ["a\n", "b\n"]) output.write(line);
    expect([state.written, onTrouble.mock.calls]).toEqual(["", [["no space left on device (ENOSPC)"]]]);
    state.room = Number.POSITIVE_INFINITY;
    output.write("c\n");
    expect(state.written).toBe("a\nb\nc\n");
  });

  it("is tried again by itself", () => {
    state.room = 0;
    output.write("a\n");
    vi.advanceTimersByTime(RETRY_MS);
    expect(state.written).toBe("");
    state.room = Number.POSITIVE_INFINITY;
    vi.advanceTimersByTime(RETRY_MS);
    expect(state.written).toBe("a\n");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("goes on in the middle of a line", () => {
    state.room = 3;
    output.write("abcdef\n");
    output.write("g\n");
    state.room = Number.POSITIVE_INFINITY;
    output.flush();
    expect(state.written).toBe("abcdef\ng\n");
  });

  it("leaves out what is too much to hold, and says how much, and why, where it is missing", () => {
    state.room = 0;
    write(HELD_BYTES / 1024 + 3);
    state.room = 2048;
    output.write("left out too: it came after\n");
    state.room = Number.POSITIVE_INFINITY;
    output.write("and this\n");
    output.write("not this\n");
    const lines = state.written.split("\n");
    expect(lines.length).toBe(HELD_BYTES / 1024 + 3);
    expect(lines.slice(-3)).toEqual([
      "# 5 lines are missing here: no space left on device (ENOSPC)",
      "not this",
      "",
    ]);
  });

  it("says anew what is wrong after it has recovered", () => {
    for (const room of [0, Number.POSITIVE_INFINITY, 0]) {
      state.room = room;
      output.write("a\n");
    }
    expect(onTrouble).toHaveBeenCalledTimes(2);
  });
});

describe("an output that is slow", () => {
  beforeEach(() => {
    state.room = 0;
    state.code = "EAGAIN";
  });

  it("is nobody's trouble until lines are missing", () => {
    write(HELD_BYTES / 1024 + 1);
    expect(onTrouble).not.toHaveBeenCalled();
    state.room = Number.POSITIVE_INFINITY;
    output.flush();
    expect(state.written.split("\n").at(-2)).toBe("# a line is missing here: what reads them was too slow");
  });

  it("gets what is held at the end", async () => {
    output.write("a\n");
    const closed = output.close();
    state.room = Number.POSITIVE_INFINITY;
    await vi.advanceTimersByTimeAsync(RETRY_MS);
    await closed;
    expect(state.written).toBe("a\n");
  });
});

it("an output that is gone keeps nobody waiting at the end", async () => {
  Object.assign(state, { room: 0, code: "EPIPE", errno: -32 });
  output.write("a\n");
  await output.close();
  expect(onTrouble.mock.calls).toEqual([["broken pipe (EPIPE)"]]);
  expect(vi.getTimerCount()).toBe(0);
});
