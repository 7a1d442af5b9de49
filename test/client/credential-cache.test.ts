import { expect, test } from "vitest";
import { memoryCache } from "../../src/client/credential-cache.js";
import { login, makeRealm, NOW } from "../support/entries.js";

const realm = makeRealm();

function cachedLogin() {
  const { credentials } = login(realm);
  return { client: credentials.client, kdcOffset: 7, credentials: [credentials] };
}

test("a cache in memory holds the last login, whole", async () => {
  const cache = memoryCache();
  expect(cache.name).toBe("MEMORY:");
  expect(await cache.load()).toBeUndefined();
  await cache.store(cachedLogin());
  const second = cachedLogin();
  await cache.store(second);
  expect(await cache.load()).toEqual(second);
  expect(second.credentials[0]!.endtime).toBeGreaterThan(NOW);
});

test("destroy forgets, overwrites the keys, and says whether there was anything", async () => {
  const cache = memoryCache();
  expect(await cache.destroy()).toBe(false);
  const kept = cachedLogin();
  await cache.store(kept);
  expect(await cache.destroy()).toBe(true);
  expect(await cache.load()).toBeUndefined();
  expect(kept.credentials[0]!.key.exportBytes()).toEqual(new Uint8Array(8));
  expect(await cache.destroy()).toBe(false);
});

test("two caches know nothing of each other", async () => {
  const [one, other] = [memoryCache(), memoryCache()];
  await one.store(cachedLogin());
  expect(await other.load()).toBeUndefined();
});
