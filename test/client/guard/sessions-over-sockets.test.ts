/** Sessions over sockets: a guard without a replay cache, and clients that prove themselves by one MAC. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestRealm, type TestRealm } from "../../../src/testing/test-realm.js";
import { openWorld, SERVICE } from "../../services/guard/world.js";

let realm: TestRealm;
beforeAll(async () => {
  realm = await createTestRealm({ users: { alice: "secret", bob: "other" }, services: [SERVICE] });
});
afterAll(() => realm.close());

describe.each(["call", "authenticate", "integrity", "privacy"] as const)("at %s", (protection) => {
  test("all kinds of call are answered, with one exchange for all of them", async () => {
    await using world = await openWorld({ sessions: true, guard: { protection }, realm });
    const client = world.client({ protection });
    for (let i = 0; i < 3; i++) {
      expect(await client.say("hello")).toBe("hello");
      expect(await client.list("a b c")).toEqual(["a", "b", "c"]);
      expect(await client.join(["a", "b"])).toBe("a b");
      expect(await client.talk(["a", "b"])).toEqual(["a", "b"]);
    }
  });
});
