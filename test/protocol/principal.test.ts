import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  componentsOf,
  defaultSalt,
  isRealm,
  krbtgtOf,
  parsePrincipal,
  principalInRealm,
  realmOf,
} from "../../src/protocol/principal.js";
import { expectRefusal, refusalOf } from "./refusal.js";

const parse = (text: string) => parsePrincipal(text, "client");

describe("a principal of the grammar", () => {
  test.each([
    ["alice@EXAMPLE.TEST", ["alice"], "EXAMPLE.TEST"],
    ["alice/admin@EXAMPLE.TEST", ["alice", "admin"], "EXAMPLE.TEST"],
    ["krbtgt/EXAMPLE.TEST@EXAMPLE.TEST", ["krbtgt", "EXAMPLE.TEST"], "EXAMPLE.TEST"],
    ["notes/db-1.example_x.test@R", ["notes", "db-1.example_x.test"], "R"],
    ["a/b/c/d@A-B.2", ["a", "b", "c", "d"], "A-B.2"],
    ["0@0", ["0"], "0"],
    ["Alice@R", ["Alice"], "R"],
    ["host$@R", ["host$"], "R"],
    ["constructor@R", ["constructor"], "R"],
    ["toString/hasOwnProperty@R", ["toString", "hasOwnProperty"], "R"],
  ])("is read as it stands: %s", (text, components, realm) => {
    const principal = parse(text);
    expect(principal).toBe(text);
    expect(componentsOf(principal)).toEqual(components);
    expect(realmOf(principal)).toBe(realm);
  });

  test("has components of up to 63 characters, 4 of them at most, and 255 characters in all", () => {
    const long = "a".repeat(63);
    expect(parse(`${long}@R`)).toBe(`${long}@R`);
    expect(parse(`${long}/${long}/${long}@${"R".repeat(63)}`)).toHaveLength(255);
    expectRefusal(() => parse(`${long}a@R`), "KRB_ERR_GENERIC", { field: "client" });
    expectRefusal(() => parse("a/b/c/d/e@R"), "KRB_ERR_GENERIC", { field: "client" });
  });

  test("is another principal in other letter case", () => {
    expect(parse("alice@R")).not.toBe(parse("Alice@R"));
  });
});

describe("a hostile name is refused", () => {
  test.each<[string, string]>([
    ["nothing", ""],
    ["only an at sign", "@"],
    ["no realm part", "alice"],
    ["an empty realm", "a@"],
    ["an empty name", "@R"],
    ["two realms", "a@R@R"],
    ["two at signs together", "a@@R"],
    ["an empty component inside", "a//b@R"],
    ["an empty first component", "/a@R"],
    ["an empty last component", "a/@R"],
    ["only a slash", "/@R"],
    ["a slash in the realm", "a@R/S"],
    ["__proto__", "__proto__@R"],
    ["__proto__ as an instance", "a/__proto__@R"],
    ["a component that begins with a dot", ".a@R"],
    ["a component that is two dots", "../etc@R"],
    ["a component that begins with a dash, as an option would", "-a@R"],
    ["a component that begins with a dollar", "$a@R"],
    ["a lower-case realm", "a@example.test"],
    ["a realm in mixed case", "a@Example.TEST"],
    ["an underscore in the realm", "a@R_S"],
    ["a realm that begins with a dot", "a@.R"],
    ["a realm that ends with a dot", "a@R."],
    ["two dots together in the realm", "a@R..S"],
    ["a realm label that begins with a dash", "a@-R"],
    ["a realm label that ends with a dash", "a@R-"],
    ["a trailing newline", "a@R\n"],
    ["a newline after the name", "a\n@R"],
    ["a leading newline", "\na@R"],
    ["a carriage return", "a@R\r"],
    ["a trailing blank", "a@R "],
    ["a leading blank", " a@R"],
    ["a blank inside", "a b@R"],
    ["a tab", "a\t@R"],
    ["a NUL", "a\0@R"],
    ["a NUL after the realm", "a@R\0"],
    ["an escape sequence of a terminal", "a\u001b[2J@R"],
    ["DEL", "a\u007f@R"],
    ["a C1 control", "a\u0085@R"],
    ["a line separator", "a\u2028@R"],
    ["U+FFFD, as invalid UTF-8 is decoded", "a\ufffd@R"],
    ["U+FFFD in the realm", "a@R\ufffd"],
    ["a byte order mark", "\ufeffa@R"],
    ["a lone surrogate", "a\ud800@R"],
    ["a character beyond the first plane", "a\u{1f600}@R"],
    ["a Cyrillic look-alike", "\u0430lice@R"],
    ["a Greek look-alike in the realm", "a@\u0395XAMPLE"],
    ["a full-width letter", "\uff41lice@R"],
    ["a full-width at sign", "a\uff20R"],
    ["a division slash", "a\u2215b@R"],
    ["an accent, composed", "\u00e9@R"],
    ["an accent, decomposed", "e\u0301@R"],
    ["a zero-width joiner", "a\u200db@R"],
    ["a right-to-left override", "a\u202eb@R"],
    ["a Kelvin sign, which folds to k", "a@\u212a"],
    ["a dotless i, which folds to I", "a@R\u0131"],
    ["a backslash escape of MIT's", "a\\/b@R"],
    ["an escaped at sign", "a\\@b@R"],
    ["a colon", "a:b@R"],
    ["a quote", "a'b@R"],
    ["a percent escape", "a%2fb@R"],
    ["a wildcard", "*@R"],
  ])("%s", (_, text) => {
    const refusal = expectRefusal(() => parse(text), "KRB_ERR_GENERIC", { field: "client" });
    expect(refusal.message).toBe("client: not a principal of the form primary/instance@REALM");
  });

  test("also when it is no text at all", () => {
    for (const name of [undefined, null, 7, {}])
      for (const read of [parsePrincipal, principalInRealm])
        expect(() => read(name as never, "EXAMPLE.TEST")).toThrow(
          expect.objectContaining({ reason: "KRB_ERR_GENERIC" }),
        );
  });

  test("by its length before anything else, naming the limit", () => {
    const text = `${"a".repeat(254)}@R`;
    expectRefusal(() => parse(text), "KRB_ERR_FIELD_TOOLONG", {
      field: "client",
      length: "256",
      limit: "255",
    });
    expectRefusal(() => parse("/".repeat(1_000_000)), "KRB_ERR_FIELD_TOOLONG", { length: "1000000" });
    expectRefusal(() => parse(`${"a/".repeat(126)}a@R`), "KRB_ERR_GENERIC", { field: "client" });
  });

  test("without repeating it in the text", () => {
    const refusal = refusalOf(() => parse("secret\n@R"));
    expect(refusal.message).not.toContain("secret");
    expect(JSON.stringify(refusal.details)).not.toContain("secret");
  });
});

describe("the realm", () => {
  test("has at most 63 characters, so that its TGS has a principal", () => {
    const longest = "R".repeat(63);
    expect(isRealm(longest)).toBe(true);
    expect(krbtgtOf(longest)).toBe(`krbtgt/${longest}@${longest}`);
    for (const tooLong of ["R".repeat(64), `${"R".repeat(32)}.${"S".repeat(32)}`]) {
      expect(isRealm(tooLong)).toBe(false);
      expectRefusal(() => parse(`a@${tooLong}`), "KRB_ERR_GENERIC", { field: "client" });
    }
  });

  test("may be left out by a person, never by a peer", () => {
    expect(principalInRealm("alice", "EXAMPLE.TEST")).toBe("alice@EXAMPLE.TEST");
    expect(principalInRealm("alice@OTHER", "EXAMPLE.TEST")).toBe("alice@OTHER");
    expectRefusal(() => principalInRealm("", "EXAMPLE.TEST"), "KRB_ERR_GENERIC", { field: "principal" });
    expectRefusal(() => principalInRealm("alice@", "EXAMPLE.TEST", "argument"), "KRB_ERR_GENERIC", {
      field: "argument",
    });
    expectRefusal(() => parse("alice"), "KRB_ERR_GENERIC");
  });

  test("of hostile form has no TGS", () => {
    for (const realm of ["", "r", "R/S", "R@R", "R\n"])
      expectRefusal(() => krbtgtOf(realm), "KRB_ERR_GENERIC", { field: "realm" });
  });

  test("begins the salt, and the components follow with nothing between (RFC 4120 §4)", () => {
    expect(defaultSalt(parse("alice@EXAMPLE.TEST"))).toBe("EXAMPLE.TESTalice");
    expect(defaultSalt(parse("host/a.test@EXAMPLE.TEST"))).toBe("EXAMPLE.TESThosta.test");
  });
});

const alnum = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"];
const upper = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"];
const component = fc
  .tuple(
    fc.constantFrom(...alnum),
    fc.string({ unit: fc.constantFrom(...alnum, ".", "-", "_", "$"), maxLength: 30 }),
  )
  .map(([first, rest]) => first + rest);
const label = fc.string({ unit: fc.constantFrom(...upper), minLength: 1, maxLength: 12 });
const realm = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));

describe("in general", () => {
  test("parsing what was put together from its parts gives the parts back", () => {
    fc.assert(
      fc.property(fc.array(component, { minLength: 1, maxLength: 4 }), realm, (components, home) => {
        const text = `${components.join("/")}@${home}`;
        const principal = parse(text);
        expect(componentsOf(principal)).toEqual(components);
        expect(realmOf(principal)).toBe(home);
        expect(`${componentsOf(principal).join("/")}@${realmOf(principal)}`).toBe(text);
      }),
    );
  });

  test("any text is either refused with a KrbError or is its own canonical form in plain ASCII", () => {
    const near = fc.string({
      unit: fc.constantFrom("a", "R", "/", "@", ".", "-", "_", "\n", "\ufffd", "é"),
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: "binary" })), (text) => {
        let principal: string;
        try {
          principal = parse(text);
        } catch (error) {
          expect(error).toMatchObject({ name: "KrbError", reason: "KRB_ERR_GENERIC" });
          return;
        }
        expect(principal).toBe(text);
        expect(text).toMatch(/^[\x21-\x7e]+$/);
        expect(text.normalize("NFKC")).toBe(text);
        expect(text.split("@")).toHaveLength(2);
      }),
      { numRuns: 500 },
    );
  });
});
