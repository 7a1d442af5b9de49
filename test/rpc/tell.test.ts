import { expect, test, vi } from "vitest";
import { tell, warnOf } from "../../src/rpc/tell.js";
import { eventually } from "../support/eventually.js";

test("a callback is told, and what it throws goes elsewhere", () => {
  const callback = vi.fn((_number: number, _text: string) => {
    throw new Error("broken");
  });
  const onFailure = vi.fn();
  tell(callback, [1, "a"], onFailure);
  expect(callback.mock.calls).toEqual([[1, "a"]]);
  expect(onFailure.mock.calls).toEqual([[new Error("broken")]]);
});

test("so does what its promise rejects with, whatever kind of promise it is", async () => {
  const failed: unknown[] = [];
  tell(
    () => Promise.reject(new Error("later")),
    [],
    (error) => failed.push(error),
  );
  // biome-ignore lint/suspicious/noThenProperty: it is what another library's promise looks like
  const other = { then: (_: unknown, reject: (error: unknown) => void) => reject("other") };
  tell(
    () => other,
    [],
    (error) => failed.push(error),
  );
  await eventually(() => expect(failed).toHaveLength(2));
  expect(failed).toEqual(expect.arrayContaining([new Error("later"), "other"]));
});

test("a warning names the callback", () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  warnOf("onError")(new Error("broken"));
  expect(warned.mock.calls).toEqual([["onError failed: Error: broken", "TesseraWarning"]]);
  warned.mockRestore();
});
