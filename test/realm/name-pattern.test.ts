/** Shell patterns as MIT's listprincs takes them. What they find in a realm: principals.test.ts. */
import { expect, test } from "vitest";
import { namePattern } from "../../src/realm/name-pattern.js";

test.each([
  ["host/*@R", "host/", "host/a@R", true],
  ["host/a@R", "host/a@R", "host/a@R", true],
  ["host/a@R", "host/a@R", "host/a@RR", false],
  ["h?st/*", "h", "host/", true],
  ["h?st/*", "h", "hst/", false],
  ["[hx]ost", "", "host", true],
  ["[hx]ost", "", "most", false],
  ["[a-fh]ost", "", "host", true],
  ["[a-f]ost", "", "host", false],
  ["[!a-f]ost", "", "host", true],
  ["[^h]ost", "", "host", false],
  ["[]h]ost", "", "]ost", true],
  ["[!]]ost", "", "]ost", false],
  ["[h-]ost", "", "-ost", true],
  ["[host", "[host", "[host", true],
  ["a\\*b*", "a*b", "a*bc", true],
  ["a\\*b", "a*b", "axb", false],
  ["a\\", "a\\", "a\\", true],
  ["*", "", "", true],
  ["?", "", "", false],
])("%s begins with %j; matches %j: %j", (pattern, prefix, name, isMatch) => {
  const made = namePattern(pattern);
  expect([made.prefix, made.matches(name)]).toEqual([prefix, isMatch]);
});
