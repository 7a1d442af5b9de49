/**
 * The golden vectors of renewals: what we make is what is written there, and is taken or refused as it says.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { reasonOf, unhex } from "../support/guard-vectors-receivers.js";
import { endsOf, makeRenewalVector, STREAMS } from "../support/guard-vectors-renewals.js";

const file = new URL("../vectors/guard/renewals.json", import.meta.url);
const made = STREAMS.map(makeRenewalVector);
if (process.env.TESSERA_WRITE_VECTORS === "1") writeFileSync(file, `${JSON.stringify(made, undefined, 1)}\n`);

const vectors = JSON.parse(readFileSync(file, "utf8")) as typeof made;

test("every stream has its vector", () => {
  expect(vectors.map(({ name }) => name)).toEqual(STREAMS.map(({ name }) => name));
});

describe.each(vectors.map((vector, i) => ({ name: vector.name, vector, index: i })))(
  "$name",
  ({ vector, index }) => {
    const ends = endsOf(STREAMS[index]!);

    test("is what we make of its inputs", () => {
      expect(vector).toEqual(JSON.parse(JSON.stringify(made[index])));
    });

    test("is taken", () => {
      const { ticket } = ends.receive(unhex(vector.output.message));
      expect(ticket).toMatchObject({
        client: vector.input.client,
        endtime: Date.parse(vector.input.endtime),
      });
    });

    test.each(vector.refused)("$what is refused with $reason", ({ message, reason }) => {
      expect(reason).toMatch(/^K\w+_ERR_\w+$/);
      expect(reasonOf(() => ends.receive(unhex(message)))).toBe(reason);
    });
  },
);
