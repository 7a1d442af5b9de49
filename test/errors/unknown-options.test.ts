import { expect, test } from "vitest";
import { checkOptionNames } from "../../src/errors/unknown-options.js";

const NAMES = { allow: true, public: true } as const;
const check = (options: object) => () =>
  checkOptionNames("guard", options as { allow?: string; public?: string }, NAMES);

test("options that there are pass, undefined ones too", () => {
  expect(check({})).not.toThrow();
  expect(check({ allow: "a", public: undefined })).not.toThrow();
});

test.each([
  ["alow", 'guard: no option "alow"; did you mean allow?'],
  ["pubilc", 'guard: no option "pubilc"; did you mean public?'],
  ["colour", 'guard: no option "colour"; it has: allow, public'],
  ["constructor", 'guard: no option "constructor"; it has: allow, public'],
  ["__proto__", 'guard: no option "__proto__"; it has: allow, public'],
])("%s is named, and what was meant", (name, text) => {
  const options = Object.defineProperty({}, name, { value: undefined, enumerable: true });
  expect(check(options)).toThrow(new TypeError(text));
});

test.each([
  ["null", null],
  ["string", "allow"],
])("%s is no object with options", (got, options) => {
  expect(check(options as never)).toThrow(
    new TypeError(`guard: expected an object with options, got ${got}`),
  );
});
