/** A table of principals: RFC 4180, and what spreadsheets make of it. */
import { describe, expect, it } from "vitest";
import { readTable } from "../../../src/cli/batch/principal-table.js";

const NOW = Date.UTC(2026, 2, 1, 12);
const DEFAULTS = {
  etypes: [],
  disable: false,
  enable: false,
  expire: undefined,
  "pw-expire": undefined,
  "max-life": undefined,
  "max-renewable-life": undefined,
};
const read = (text: string | Uint8Array, defaults = {}) =>
  readTable(Buffer.from(text), "t.csv", { ...DEFAULTS, ...defaults }, NOW);
const row = (line: number, name: string, password?: string, limits = {}) => ({
  line,
  name,
  password,
  etypes: [],
  limits,
});

describe("a table of principals", () => {
  it("has a principal and its password in each line; none makes random keys", () => {
    expect(read("principal,password\nalice,secret\ndb/localhost,\n")).toEqual({
      rows: [row(2, "alice", "secret"), row(3, "db/localhost")],
      bad: [],
    });
  });

  it("may have quotes, commas, quotes within quotes, and CRLF, a byte-order mark and no line end", () => {
    expect(
      read('\ufeffprincipal,password\r\nalice,"a ""word"", and more"\r\n"bob","  two blanks "').rows,
    ).toEqual([row(2, "alice", 'a "word", and more'), row(3, "bob", "  two blanks ")]);
  });

  it("passes over empty lines, and numbers the others as an editor does", () => {
    expect(read("principal\n\nalice\n\n\nbob\n").rows.map(({ line }) => line)).toEqual([3, 6]);
  });

  it("has the other settings of addprinc, under MIT's names too, in any order", () => {
    const { rows, bad } = read(
      "Max-Life,principal,etypes,disable,expire,pwexpire,maxrenewlife\n" +
        '1h,alice,"aes256,aes128",yes,2030-01-31T12:00Z,now,7d\n' +
        ",bob,,no,,,\n",
    );
    expect(bad).toEqual([]);
    expect(rows).toEqual([
      {
        line: 2,
        name: "alice",
        password: undefined,
        etypes: [20, 19],
        limits: {
          disabled: true,
          expiresAt: Date.UTC(2030, 0, 31, 12),
          passwordExpiresAt: NOW,
          maxLife: 3_600_000,
          maxRenewableLife: 7 * 86_400_000,
        },
      },
      row(3, "bob"),
    ]);
  });

  it("takes what the options say for empty cells", () => {
    const { rows } = read("principal,max-life,etypes\na,,\nb,2h,aes128\n", {
      "max-life": "1h",
      etypes: ["aes256"],
    });
    expect(rows.map(({ etypes, limits }) => [etypes, limits?.maxLife])).toEqual([
      [[20], 3_600_000],
      [[19], 7_200_000],
    ]);
  });

  it("names every bad line and what is wrong with it, and repeats no cell", () => {
    const { rows, bad } = read(
      "principal,password,expire,etypes,disable\n" +
        "a,b,c\n" +
        "alice,,hunter2,,\n" +
        "bob,,,hunter2,\n" +
        "carol,,,,hunter2\n" +
        "dave,,,,\n",
    );
    expect(rows.map(({ name }) => name)).toEqual(["dave"]);
    expect(bad).toEqual([
      { line: 2, text: "3 cells, expected 5" },
      { line: 3, text: expect.stringMatching(/^--expire: expected a /) },
      { line: 4, text: expect.stringMatching(/^etypes: no such encryption type; there are aes256/) },
      { line: 5, text: "disable: expected yes or no" },
    ]);
    expect(JSON.stringify(bad)).not.toContain("hunter2");
  });

  it("has no space around a cell without quotes: it would be part of a password, and lock its owner out", () => {
    const { rows, bad } = read(
      'principal , password\n\nalice,secret\nbob, secret\ncarol ,secret\ndave,secret\t\nerin," secret"\n',
    );
    expect(rows).toEqual([row(3, "alice", "secret"), row(7, "erin", " secret")]);
    const text = "a cell begins or ends with a space: write none, or put the cell in quotes";
    expect(bad).toEqual([4, 5, 6].map((line) => ({ line, text })));
  });

  it("counts a cell as one", () => {
    expect(read("principal,password\nalice\n").bad).toEqual([{ line: 2, text: "1 cell, expected 2" }]);
  });

  it.each([
    ["with semicolons", "principal;password\nx;y\n", "t.csv, line 1: semicolons stand between the columns"],
    ["with tabs", "principal\tpassword\nx\ty\n", "t.csv, line 1: tabs stand between the columns"],
    ["without a column principal", "password\nx\n", "t.csv: no column principal"],
    ["that is empty", "", "t.csv: no column principal"],
    [
      "with a column misspelt",
      "principal,pasword\n",
      "line 1: there is no such column; did you mean password?",
    ],
    ["with a column twice", "principal,pwexpire,pw-expire\n", "line 1: a column stands twice"],
    ["with an open quote", 'principal\n"alice\n', "line 2: a quote is not closed"],
    ["with a quote in the middle", 'principal,password\nalice,"a"b\n', "line 2: its quotes are wrong"],
    ["that is not UTF-8", Uint8Array.of(0x70, 0xff), "t.csv: not valid UTF-8"],
  ])("%s is refused", (_, text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
