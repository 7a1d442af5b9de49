import * as grpc from "@grpc/grpc-js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { EnvelopeReader, envelope, messagesOf } from "../../src/connect/envelopes.js";
import { RpcError } from "../../src/rpc/rpc-error.js";

async function* pieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function all(body: AsyncIterable<Uint8Array>, maxBytes = 1000): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for await (const message of messagesOf(body, maxBytes)) found.push(Buffer.from(message));
  return found;
}

test("messages come out as they went in, wherever the body is cut", async () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(messages, sizes, async (sent, cuts) => {
      const received = await all(pieces(Buffer.concat(sent.map(envelope)), cuts));
      expect(received).toEqual(sent.map((message) => Buffer.from(message)));
    }),
  );
});

test("an envelope is gRPC's: no flag, the length, the message", () => {
  expect(envelope(Uint8Array.of(7, 8)).toString("hex")).toBe("00000000020708");
});

test.each([
  ["compressed", "0100000000", grpc.status.UNIMPLEMENTED],
  ["the end of a gRPC-Web stream", "8000000000", grpc.status.UNIMPLEMENTED],
  ["too large by its prefix alone", "00000003e9", grpc.status.RESOURCE_EXHAUSTED],
  ["cut short in its prefix", "000000", grpc.status.INTERNAL],
  ["cut short after its prefix", "000000000207", grpc.status.INTERNAL],
])("a message that is %s is refused", async (_, hex, code) => {
  const refused = all(pieces(Buffer.from(hex, "hex"), [100]));
  await expect(refused).rejects.toBeInstanceOf(RpcError);
  await expect(refused).rejects.toMatchObject({ code });
});

test("a message of the most that is taken is taken", () => {
  expect(new EnvelopeReader(3).push(envelope(Buffer.alloc(3)))).toEqual([Buffer.alloc(3)]);
});
