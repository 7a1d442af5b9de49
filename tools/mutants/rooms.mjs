// The rooms that are mutated, and the tests that may kill a mutant there: the room's own, and those of the rooms above
// that promise something of it.

/** @type {Readonly<Record<string, { tests: string[] }>>} */
export const ROOMS = {
  crypto: { tests: ["test/crypto/**/*.test.ts"] },
  canonical: { tests: ["test/canonical/**/*.test.ts"] },
  formats: { tests: ["test/formats/**/*.test.ts"] },
  protocol: { tests: ["test/protocol/**/*.test.ts"] },
  realm: { tests: ["test/realm/**/*.test.ts"] },
  "services/guard": { tests: ["test/services/guard/**/*.test.ts"] },
  "client/guard": { tests: ["test/client/guard/**/*.test.ts", "test/services/guard/**/*.test.ts"] },
};
