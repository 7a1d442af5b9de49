import fc from "fast-check";
import { expect, it } from "vitest";
import { WholeLines } from "../../../../src/cli/serving/workers/whole-lines.js";

/** What is passed on of these chunks. */
function passed(chunks: readonly Uint8Array[]): string[] {
  const taken: string[] = [];
  const lines = new WholeLines((bytes) => taken.push(Buffer.from(bytes).toString("latin1")));
  for (const chunk of chunks) lines.add(chunk);
  lines.end();
  return taken;
}

it("passes on whole lines, wherever a pipe cuts them", () => {
  const text = fc.array(fc.constantFrom("a", "b", "\n"), { maxLength: 40 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), (parts) => {
      const taken = passed(parts.map((part) => Buffer.from(part)));
      for (const lines of taken) expect(lines).toMatch(/\n$/);
      const all = parts.join("");
      expect(taken.join("")).toBe(all === "" || all.endsWith("\n") ? all : `${all}\n`);
    }),
  );
});

it("holds no line without an end for ever", () => {
  const taken: number[] = [];
  const lines = new WholeLines((bytes) => taken.push(bytes.length));
  for (let i = 0; i < 17; i++) lines.add(Buffer.alloc(2 ** 16, "x"));
  expect(taken).toEqual([17 * 2 ** 16 + 1]);
});
