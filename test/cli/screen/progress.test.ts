import { describe, expect, it } from "vitest";
import { Progress, progressText } from "../../../src/cli/screen/progress.js";
import { Screen } from "../../../src/cli/screen/screen.js";

/** What a program writes to a terminal, or to none, in order. */
function written(isTTY: boolean, work: (screen: Screen) => void): string {
  let text = "";
  const write = (part: string) => {
    text += part;
  };
  const output = { isTTY, write };
  work(new Screen(output, output, {}));
  return text;
}

describe("progress", () => {
  it("is a bar, how many are done and how fast", () => {
    expect(progressText(250, 0.25, 500)).toBe(`[${"#".repeat(8)}${" ".repeat(22)}]  25%  250, 500/s`);
    expect(progressText(0, 0, 0)).toBe(`[${" ".repeat(30)}]   0%  0`);
    expect(progressText(12, undefined, 1000)).toBe("12, 12/s");
  });

  it("is drawn at most ten times a second", () => {
    let now = 0;
    const text = written(true, (screen) => {
      const progress = new Progress(screen, () => now);
      for (; now <= 250; now += 10) progress.show(now, undefined);
    });
    expect(text.match(/\r\d+/g)).toEqual(["\r0", "\r100", "\r200"]);
  });

  it("gives way to whatever is printed next", () => {
    const text = written(true, (screen) => {
      screen.showStatus("bar");
      screen.print("data");
      screen.showStatus("bar");
      screen.at({ file: "f", line: 3 }).notice("trouble");
      screen.print("data");
    });
    const [drawn, gone] = ["\rbar\x1b[K", "\r\x1b[K"];
    expect(text).toBe(`${drawn}${gone}data\n${drawn}${gone}tessera: f:3: trouble\ndata\n`);
  });

  it("is not seen where there is no terminal", () => {
    expect(written(false, (screen) => screen.showStatus("bar"))).toBe("");
  });
});
