import { expect, test } from "vitest";
import { serve } from "./test-service.js";

test("all four kinds of call carry messages both ways", async () => {
  await using running = await serve();
  const { client } = running;
  expect((await client.say("hello")).value).toBe("hello");
  expect(await collect(client.count(3))).toEqual([1, 2, 3]);
  expect((await client.sum([{ value: 1 }, { value: 2 }, { value: 39 }])).value).toBe(42);
  expect(await collect(client.echo([{ value: "a" }, { value: "b" }]))).toEqual(["a", "b"]);
});

async function collect<T>(messages: AsyncIterable<{ value: T }>): Promise<T[]> {
  const values: T[] = [];
  for await (const message of messages) values.push(message.value);
  return values;
}
