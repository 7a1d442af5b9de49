import fc from "fast-check";
import { expect, it } from "vitest";
import { jsonDocuments } from "../../../src/cli/dialogue/json-documents.js";

/** The documents of a text that comes in pieces of so many bytes. */
async function documents(text: string, size = 1_000): Promise<unknown[]> {
  const bytes = Buffer.from(text);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  const found: unknown[] = [];
  for await (const document of jsonDocuments(pieces)) found.push(document);
  return found;
}

it("finds the documents that were put together, however the bytes are cut", async () => {
  const value = fc.oneof(fc.object(), fc.array(fc.jsonValue()), fc.string()).map((v) => JSON.stringify(v));
  const separator = fc.constantFrom("", " ", "\n", "\r\n\t");
  await fc.assert(
    fc.asyncProperty(
      fc.array(value),
      separator,
      fc.integer({ min: 1, max: 9 }),
      async (texts, between, size) => {
        expect(await documents(texts.join(between), size)).toEqual(texts.map((text) => JSON.parse(text)));
      },
    ),
  );
});

it("yields a document before the next one has come", async () => {
  async function* typed() {
    yield Buffer.from('{"a":1}{"b"');
    throw new Error("nobody waits for the rest");
  }
  const found = jsonDocuments(typed());
  expect((await found.next()).value).toEqual({ a: 1 });
});

it("takes numbers and words with white space between them, and passes over a byte-order mark", async () => {
  expect(await documents("\uFEFF1 true\nnull")).toEqual([1, true, null]);
  expect(await documents(" \n")).toEqual([]);
});

it.each(["{", "}", '{"a":}', '"a', "{}{x}"])("refuses %s as wrong usage", async (text) => {
  await expect(documents(text)).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/^request \d: /),
  });
});
