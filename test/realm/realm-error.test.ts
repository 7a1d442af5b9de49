import { expect, it } from "vitest";
import { ReadableError } from "../../src/errors/readable-error.js";
import { RealmError } from "../../src/realm/realm-error.js";

it("a refusal is for people to read, and for programs to go by its reason", () => {
  const error = new RealmError("missing", "there is none", "make one");
  expect(error).toBeInstanceOf(ReadableError);
  expect(error).toMatchObject({
    name: "RealmError",
    reason: "missing",
    text: "there is none",
    hint: "make one",
    facts: { reason: "missing" },
    exitCode: 1,
  });
  expect(new RealmError("etype", "no").hint).toBeUndefined();
});
