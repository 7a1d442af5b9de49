import { expect, test } from "vitest";
import { AnsweredKdcs } from "../../../src/client/kdc/answered-kdcs.js";

const KDCS = ["a:1", "b:1", "c:1"];
const MINUTE = 60_000;

test("the one that answered comes first, and the others stay in order", () => {
  const kdcs = new AnsweredKdcs();
  expect(kdcs.inOrder(KDCS, 0)).toEqual(KDCS);
  kdcs.answered(KDCS, "c:1", 0);
  expect(kdcs.inOrder(KDCS, 0)).toEqual(["c:1", "a:1", "b:1"]);
  kdcs.answered(KDCS, "b:1", 1);
  expect(kdcs.inOrder(KDCS, 1)).toEqual(["b:1", "a:1", "c:1"]);
});

test("of other lists nothing is said by it", () => {
  const kdcs = new AnsweredKdcs();
  kdcs.answered(KDCS, "c:1", 0);
  expect(kdcs.inOrder(["a:1", "c:1"], 0)).toEqual(["a:1", "c:1"]);
});

test("after five minutes the first has its turn again, however often the other has answered", () => {
  const kdcs = new AnsweredKdcs();
  for (let minute = 0; minute < 5; minute++) {
    kdcs.answered(KDCS, "b:1", minute * MINUTE);
    expect(kdcs.inOrder(KDCS, minute * MINUTE)[0]).toBe("b:1");
  }
  expect(kdcs.inOrder(KDCS, 5 * MINUTE)).toEqual(KDCS);
  kdcs.answered(KDCS, "b:1", 5 * MINUTE);
  expect(kdcs.inOrder(KDCS, 9 * MINUTE)[0]).toBe("b:1");
});

test("the first is first again as soon as it has answered; a clock that is set back ends nothing later", () => {
  const kdcs = new AnsweredKdcs();
  kdcs.answered(KDCS, "b:1", 10 * MINUTE);
  expect(kdcs.inOrder(KDCS, 0)).toEqual(KDCS);
  kdcs.answered(KDCS, "a:1", 10 * MINUTE);
  expect(kdcs.inOrder(KDCS, 10 * MINUTE)).toEqual(KDCS);
});
