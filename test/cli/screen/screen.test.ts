import { describe, expect, it } from "vitest";
import { fieldRows } from "../../../src/cli/screen/fields.js";
import { columns, wrapped } from "../../../src/cli/screen/layout.js";
import { readableLines } from "../../../src/cli/screen/readable.js";
import { Screen } from "../../../src/cli/screen/screen.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { randomKey } from "../../../src/protocol/keys.js";

/** A screen, and what it printed. */
function screen(isTTY = false, env: Record<string, string> = {}) {
  const printed = { out: "", err: "" };
  const out = { isTTY, write: (text: string) => (printed.out += text) };
  const err = { write: (text: string) => (printed.err += text) };
  return { screen: new Screen(out, err, env), printed };
}

describe("the screen", () => {
  it("prints data to stdout, notices and hints to stderr", () => {
    const { screen: one, printed } = screen();
    one.print("a");
    one.printAll(["b", "c"]);
    one.print();
    one.notice("first\nsecond");
    one.hint("mend it");
    expect(printed).toEqual({ out: "a\nb\nc\n\n", err: "tessera: first\ntessera: second\nhint: mend it\n" });
  });

  it("prints JSON that holds no key and steers no terminal", () => {
    const { screen: one, printed } = screen();
    const data = {
      key: randomKey(etypeOf(3)),
      big: 5n,
      bytes: Uint8Array.of(1, 2),
      text: "\u001b\u009b\u202eé",
    };
    one.printJsonLine(data);
    expect(printed.out).toBe(
      '{"key":"[redacted]","big":"5","bytes":"AQI=","text":"\\u001b\\u009b\\u202eé"}\n',
    );
    expect((JSON.parse(printed.out) as typeof data).text).toBe(data.text);
  });

  it("has colours only at a terminal that wants them", () => {
    expect(screen(true).screen.hasColour).toBe(true);
    expect(screen(false).screen.hasColour).toBe(false);
    expect(screen(true, { NO_COLOR: "1" }).screen.hasColour).toBe(false);
    expect(screen(true, { TERM: "dumb" }).screen.hasColour).toBe(false);
  });
});

describe("text", () => {
  it("stands in columns, the last as wide as it likes", () => {
    expect(columns([["a", "bbb", "c"], ["aaaa", "b", ""], ["a"]])).toEqual(["a     bbb  c", "aaaa  b", "a"]);
  });

  it("is broken at spaces", () => {
    expect(wrapped("one two three\nfour", 8)).toEqual(["one two", "three", "four"]);
    expect(wrapped("overlongword x", 4)).toEqual(["overlongword", "x"]);
  });

  it("of JSON is lines that a person reads", () => {
    expect(readableLines({ a: 1, list: ["x", "y"], deep: { b: "two\nlines" }, rows: [{ c: 1 }] })).toEqual([
      "a: 1",
      "list: x, y",
      "deep:",
      "  b: two",
      "    lines",
      "rows:",
      "  - c: 1",
    ]);
  });
});

describe("a tree of fields", () => {
  it("becomes rows: what is inside has the name before it, long bytes are cut", () => {
    const tree = [
      { name: "client", symbol: "ID_c", value: "alice\u001b" },
      { name: "key", symbol: "K_c", value: { withheld: "des-cbc-md5, 8 bytes" } },
      { name: "checksum", value: { fields: [{ name: "type", value: "md5" }] } },
      { name: "cipher", value: { hex: "ab".repeat(17) } },
      { name: "entries", value: [{ fields: [{ name: "salt", value: { hex: "0102" } }] }, "x"] },
      { name: "user_data", value: { holds: "EchoRequest", fields: [{ name: "text", value: "hi" }] } },
    ];
    const rows = (full: boolean) =>
      fieldRows(tree, full).map(({ name, symbol, value }) => `${name}|${symbol ?? ""}|${value}`);
    expect(rows(false)).toEqual([
      "client|ID_c|alice\\u001b",
      "key|K_c|[redacted] des-cbc-md5, 8 bytes",
      "checksum.type||md5",
      `cipher||${"ab".repeat(16)}… (17 bytes)`,
      "entries||salt 0102, x",
      "user_data||EchoRequest",
      "  text||hi",
    ]);
    expect(rows(true)[3]).toBe(`cipher||${"ab".repeat(17)}`);
  });
});
