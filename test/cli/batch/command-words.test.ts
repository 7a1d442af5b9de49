import { describe, expect, it } from "vitest";
import { commandWords } from "../../../src/cli/batch/command-words.js";

describe("the words of a line", () => {
  it.each([
    ["addprinc -randkey db/localhost", ["addprinc", "-randkey", "db/localhost"]],
    ["  getprinc\talice  ", ["getprinc", "alice"]],
    ["", []],
    ["# a comment", []],
    ["   # a comment", []],
    ["getprinc alice # who is she", ["getprinc", "alice"]],
    ["getprinc a#b", ["getprinc", "a#b"]],
    ['ktadd -k "my keytab" v', ["ktadd", "-k", "my keytab", "v"]],
    ["ktadd -k 'my \"keytab\"' v", ["ktadd", "-k", 'my "keytab"', "v"]],
    ['modprinc --expire="2030-01-31 12:00" v', ["modprinc", "--expire=2030-01-31 12:00", "v"]],
    ['listprincs ""', ["listprincs", ""]],
  ])("%j", (line, words) => {
    expect(commandWords(line)).toEqual(words);
  });

  it.each(['ktadd -k "my keytab v', "it's"])("are refused with a quote that is not closed: %j", (line) => {
    expect(() => commandWords(line)).toThrow("a quote is not closed");
  });
});
