/**
 * PBKDF2 that remembers what it has made, for all the test files that a worker runs: they make the keys of
 * the same few passwords thousands of times, which is most of what a test realm costs. Each caller gets a
 * copy of its own, in a later turn, as from `node:crypto`. Whoever measures how long a key takes asks for a
 * new one.
 */
import crypto, { type BinaryLike } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

type Done = Parameters<typeof crypto.pbkdf2>[5];

const INSTALLED = Symbol.for("tessera.remembered-pbkdf2");
const worker = globalThis as { [INSTALLED]?: true };
if (worker[INSTALLED] === undefined) {
  worker[INSTALLED] = true;
  crypto.pbkdf2 = remembering(crypto.pbkdf2);
  syncBuiltinESMExports();
}

function remembering(make: typeof crypto.pbkdf2): typeof crypto.pbkdf2 {
  const made = new Map<string, Buffer<ArrayBuffer>>();
  // Taken before any test puts a turned clock in its place.
  const later = setImmediate;
  return (password, salt, iterations, size, digest, done: Done) => {
    const name = JSON.stringify([hex(password), hex(salt), iterations, size, digest]);
    const known = made.get(name);
    if (known !== undefined) return void later(() => done(null, Buffer.from(known)));
    make(password, salt, iterations, size, digest, (error, key) => {
      if (error === null) made.set(name, Buffer.from(key));
      done(error, key);
    });
  };
}

function hex(bytes: BinaryLike): string {
  return Buffer.from(bytes as Uint8Array).toString("hex");
}
