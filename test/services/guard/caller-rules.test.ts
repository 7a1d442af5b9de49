import { describe, expect, test } from "vitest";
import type { Caller } from "../../../src/services/guard/caller.js";
import { CallerPolicy, type CallerRules } from "../../../src/services/guard/caller-rules.js";

const METHOD = "/chat.v1.Chat/Say";
const named = (principal: string) => ({ principal }) as Caller;

/** The rule that refuses a caller; undefined: it may call. */
async function refusal(allow: CallerRules, principal = "alice@TEST.EXAMPLE", method = METHOD) {
  try {
    await new CallerPolicy(allow).check(named(principal), method);
    return undefined;
  } catch (error) {
    return error as { reason: string; message: string; details: Record<string, string> };
  }
}

describe("a pattern", () => {
  test.each([
    ["alice@TEST.EXAMPLE", "alice@TEST.EXAMPLE"],
    ["*@TEST.EXAMPLE", "alice@TEST.EXAMPLE"],
    ["*/admin@TEST.EXAMPLE", "alice/admin@TEST.EXAMPLE"],
    ["alice/*@TEST.EXAMPLE", "alice/admin@TEST.EXAMPLE"],
    ["*/*@TEST.EXAMPLE", "alice/admin@TEST.EXAMPLE"],
  ])("%s lets in %s", async (pattern, principal) => {
    expect(await refusal({ "*": [pattern] }, principal)).toBeUndefined();
    expect(await refusal({ "*": ["nobody@TEST.EXAMPLE", pattern] }, principal)).toBeUndefined();
  });

  test.each([
    ["alice@TEST.EXAMPLE", "alice/admin@TEST.EXAMPLE"],
    ["alice@TEST.EXAMPLE", "alicia@TEST.EXAMPLE"],
    ["alice@TEST.EXAMPLE", "alice@OTHER.EXAMPLE"],
    ["*@TEST.EXAMPLE", "alice/admin@TEST.EXAMPLE"],
    ["*@TEST.EXAMPLE", "alice@OTHER.EXAMPLE"],
    ["*/admin@TEST.EXAMPLE", "alice/user@TEST.EXAMPLE"],
    ["*/admin@TEST.EXAMPLE", "admin@TEST.EXAMPLE"],
    ["alice/*@TEST.EXAMPLE", "bob/admin@TEST.EXAMPLE"],
    ["alice/*@TEST.EXAMPLE", "alice@TEST.EXAMPLE"],
    ["x@TEST.EXAMPLE", "*@TEST.EXAMPLE"],
  ])("%s does not let in %s", async (pattern, principal) => {
    expect(await refusal({ "*": [pattern] }, principal)).toMatchObject({ reason: "KDC_ERR_POLICY" });
  });

  test.each([
    "alice",
    "",
    "@TEST.EXAMPLE",
    "al*ce@TEST.EXAMPLE",
    "alice*@TEST.EXAMPLE",
    "alice@*",
    "alice@",
    "**@TEST.EXAMPLE",
    "alice//x@TEST.EXAMPLE",
  ])("%j is none", (pattern) => {
    expect(() => new CallerPolicy({ "a.B": [pattern] })).toThrow(
      new TypeError(
        `allow: a.B: expected primary/instance@REALM, * for a whole component, got ${JSON.stringify(pattern)}`,
      ),
    );
  });
});

describe("the rule of a method", () => {
  const ALICE = ["alice@TEST.EXAMPLE"];

  test("is the most specific one, and says which it is", async () => {
    const names = ["chat.v1.Chat/Say", "chat.v1.Chat", "chat.v1.*", "chat.*", "*"];
    for (const [index, name] of names.entries()) {
      const wider = Object.fromEntries(names.slice(index + 1).map((other) => [other, ALICE]));
      expect(await refusal({ ...wider, [name]: ALICE })).toBeUndefined();
      expect(await refusal({ ...wider, [name]: [] })).toMatchObject({
        reason: "KDC_ERR_POLICY",
        message: `alice@TEST.EXAMPLE may not call ${METHOD}: rule ${name} does not let it in`,
        details: { rule: `allow: ${name}`, client: "alice@TEST.EXAMPLE", method: METHOD },
      });
    }
  });

  test("that has none is refused to all", async () => {
    expect(await refusal({ "chat.v1.Chat/List": ALICE })).toMatchObject({
      reason: "KDC_ERR_POLICY",
      message: `alice@TEST.EXAMPLE may not call ${METHOD}: no rule lets anybody in`,
      details: { rule: "allow: none", client: "alice@TEST.EXAMPLE", method: METHOD },
    });
  });

  test("may be a function of caller and method, at once or later, that must say true", async () => {
    const asked: unknown[] = [];
    const rule = (answer: unknown) => (caller: Caller, method: string) => {
      asked.push([caller.principal, method]);
      return answer as boolean;
    };
    expect(await refusal({ "*": rule(true) })).toBeUndefined();
    expect(await refusal({ "*": rule(Promise.resolve(true)) })).toBeUndefined();
    for (const answer of [false, "yes", 1, undefined, Promise.resolve(false)])
      expect(await refusal({ "*": rule(answer) })).toMatchObject({ details: { rule: "allow: *" } });
    expect(asked[0]).toEqual(["alice@TEST.EXAMPLE", METHOD]);
  });

  test("that throws is that error", async () => {
    const rule = () => {
      throw new RangeError("broken");
    };
    expect(await refusal({ "*": rule })).toEqual(new RangeError("broken"));
  });

  test.each([
    ["alice@TEST.EXAMPLE", "string"],
    [7, "number"],
    [{}, "object"],
    [undefined, "undefined"],
  ])("is not %j", (rule, type) => {
    expect(() => new CallerPolicy({ "a.B": rule as never })).toThrow(
      new TypeError(`allow: a.B: expected a list of principals or a function, got ${type}`),
    );
  });

  test("stands under a name of methods", () => {
    expect(() => new CallerPolicy({ "chat/v1/Chat": [] })).toThrow(/^allow: expected .*chat\/v1\/Chat/);
  });
});

test("without rules there is nothing to check, with none in them nobody passes", async () => {
  const open = new CallerPolicy(undefined);
  expect(open.isEmpty).toBe(true);
  expect(await open.check(named("alice@TEST.EXAMPLE"), METHOD)).toBeUndefined();
  expect(new CallerPolicy({}).isEmpty).toBe(false);
  expect(await refusal({})).toMatchObject({ details: { rule: "allow: none" } });
});
