// A process that writes to an LMDB store and prints a line for every acknowledged change. write DIR PREFIX:
// writes until it is killed. count DIR KEY N: adds one to KEY, N times. fill DIR PREFIX: writes until there
// is no room, then makes some and carries on.
import { openLmdbStore } from "../../dist/store/lmdb/store.js";

const [mode, dir, name, times] = process.argv.slice(2);
const store = await openLmdbStore(dir);
if (mode === "write") {
  // Eight at a time, so that the kill lands in a group commit.
  for (let i = 0; ; i += 8) {
    const keys = Array.from({ length: 8 }, (_, j) => `${name}-${i + j}`);
    await Promise.all(
      keys.map(async (key) => {
        await store.update(key, () => Buffer.from(`value of ${key}`));
        process.stdout.write(`${key}\n`);
      }),
    );
  }
}
if (mode === "fill") {
  const keys = [];
  let code;
  while (code === undefined && keys.length < 2000) {
    const key = `${name}-${keys.length}`;
    code = await store
      .update(key, () => Buffer.alloc(4000, 1))
      .then(
        () => void keys.push(key),
        (error) => error.code,
      );
  }
  const reads = (await Promise.all(keys.map((key) => store.get(key)))).every(
    (bytes) => bytes?.length === 4000,
  );
  for (const key of keys.splice(0, keys.length / 2)) await store.update(key, () => undefined);
  await store.update("after", () => Buffer.from("room again"));
  process.stdout.write(
    `${JSON.stringify({ code, reads, after: Buffer.from(await store.get("after")).toString() })}\n`,
  );
}
for (let i = 0; mode === "count" && i < Number(times); i++) {
  await store.update(name, (current) =>
    Buffer.from(String(Number(Buffer.from(current ?? "0").toString()) + 1)),
  );
  if (i === 0) process.stdout.write("started\n");
}
await store.close();
