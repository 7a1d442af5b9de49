/** RFC 8265 §4.2, OpaqueString: the RFC's own examples (§4.3), and what our logins make of it. */
import { describe, expect, test } from "vitest";
import { passwordForms, preparedPassword } from "../../src/protocol/passwords.js";

describe("a password for new keys", () => {
  test.each([
    ["correct horse battery staple", "correct horse battery staple"],
    ["Correct Horse Battery Staple", "Correct Horse Battery Staple"],
    ["\u03c0\u00df\u00e5", "\u03c0\u00df\u00e5"],
    ["Jack of \u2666s", "Jack of \u2666s"],
    ["foo\u1680bar", "foo bar"],
  ])("is prepared as in RFC 8265 §4.3: %j", (typed, prepared) => {
    expect(preparedPassword(typed)).toBe(prepared);
  });

  test.each([
    ["e\u0301", "\u00e9"],
    ["a\u0323\u0307", "\u1ea1\u0307"],
    // Hangul as macOS writes it: conjoining jamo, which are not allowed by themselves.
    ["\u1112\u1161\u11ab", "\ud55c"],
    // Angstrom sign and Kelvin sign; a ligature stays, for the form is C and not KC.
    ["\u212b\u212a\ufb01", "\u00c5K\ufb01"],
    ["a\u00a0b\u3000c\u2009d", "a b c d"],
    ["\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"],
  ])("%j becomes %j", (typed, prepared) => {
    expect(preparedPassword(typed)).toBe(prepared);
  });

  test.each([
    ["a tab\t", "U+0009"],
    ["\u0000", "U+0000"],
    ["delete\u007f", "U+007F"],
    ["c1\u0085", "U+0085"],
    ["soft\u00adhyphen", "U+00AD"],
    ["\u200bzero width", "U+200B"],
    ["a mark\ufeff", "U+FEFF"],
    ["\u1112", "U+1112"],
    ["\u0640", "U+0640"],
    ["not assigned \u0378", "U+0378"],
    ["no character \u{1ffff}", "U+1FFFF"],
  ])("%j is refused, and the refusal names the character alone", (typed, character) => {
    let refusal: unknown;
    try {
      preparedPassword(typed);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({ name: "KrbError", reason: "KRB_ERR_GENERIC", details: { character } });
  });
});

describe("the forms that a login tries", () => {
  test.each([
    ["plain", ["plain"]],
    ["\u00e9", ["\u00e9"]],
    ["e\u0301", ["\u00e9", "e\u0301"]],
    ["a\u00a0b", ["a b", "a\u00a0b"]],
    // Not allowed in a new password: an old one logs in.
    ["a\tb", ["a\tb"]],
    ["e\u0301\t", ["\u00e9\t", "e\u0301\t"]],
  ])("%j", (typed, forms) => {
    expect(passwordForms(typed)).toEqual(forms);
  });

  test("are the typed text alone where the other would be too long for a key", () => {
    // U+0958 is two characters in form C: 1023 bytes become 2046.
    const long = "\u0958".repeat(341);
    expect(passwordForms(long)).toEqual([long]);
  });
});
