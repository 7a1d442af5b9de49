/** Requests on their way to grpc-js: one at a time. */
import { expect, test } from "vitest";
import { RequestWriter } from "../../../src/client/guard/request-writer.js";

/** A call that says that a message was written when the test lets it. */
function open() {
  const passed: (string | undefined)[] = [];
  const writing: ((error?: Error) => void)[] = [];
  const told: string[] = [];
  const writer = new RequestWriter({
    sendMessageWithContext: ({ callback, flags }, message) => {
      passed.push(`${String(message)}${flags === undefined ? "" : ` ${flags}`}`);
      writing.push(callback as (error?: Error) => void);
    },
    halfClose: () => void passed.push("halfClose"),
  });
  const send = (text: string) =>
    writer.send(
      { callback: (error) => void told.push(`${text} ${error?.message ?? "written"}`) },
      Buffer.from(text),
    );
  return { writer, passed, told, send, written: (error?: Error) => writing.shift()!(error) };
}

test("a request goes when the one before was written, and its sender is told then", () => {
  const { passed, told, send, written } = open();
  for (const text of ["a", "b", "c"]) send(text);
  expect(passed).toEqual(["a"]);
  written();
  expect(passed).toEqual(["a", "b"]);
  expect(told).toEqual(["a written"]);
  written(new Error("broken"));
  expect(passed).toEqual(["a", "b", "c"]);
  expect(told).toEqual(["a written", "b broken"]);
  written();
  send("d");
  expect(passed).toEqual(["a", "b", "c", "d"]);
});

test("the end goes with the last request, for grpc-js lets it wait; an end marker waits as a request does", () => {
  const plain = open();
  plain.send("a");
  plain.send("b");
  plain.writer.end(undefined);
  expect(plain.passed).toEqual(["a"]);
  plain.written();
  expect(plain.passed).toEqual(["a", "b", "halfClose"]);
  const marked = open();
  marked.send("a");
  marked.writer.end(Buffer.from("end"));
  expect(marked.passed).toEqual(["a"]);
  marked.written();
  expect(marked.passed).toEqual(["a", "end", "halfClose"]);
  marked.written();
  const empty = open();
  empty.writer.end(undefined);
  expect(empty.passed).toEqual(["halfClose"]);
});

test("the flags of a request travel with it, and nobody need wait", () => {
  const { writer, passed, written } = open();
  writer.send({ flags: 2 }, Buffer.from("a"));
  writer.send({}, Buffer.from("b"));
  written();
  expect(passed).toEqual(["a 2", "b"]);
});
