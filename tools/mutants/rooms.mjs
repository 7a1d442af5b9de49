// The rooms that are mutated, and how.
//
// `tests`: what may notice a mutant there: the room's own tests, and those of rooms above that promise
// something of it. `loaded`: whether the mutants are tried that run only while modules load, such as a
// table's rows. Each is tried with all the tests, and so is every mutant that a test's fixtures run while the
// test's module loads: slow where there are many.

/** @type {Readonly<Record<string, { tests: string[], loaded: boolean }>>} */
export const ROOMS = {
  crypto: { tests: ["test/crypto/**/*.test.ts"], loaded: true },
  canonical: { tests: ["test/canonical/**/*.test.ts"], loaded: true },
  formats: { tests: ["test/formats/**/*.test.ts"], loaded: true },
  protocol: { tests: ["test/protocol/**/*.test.ts"], loaded: false },
  realm: { tests: ["test/realm/**/*.test.ts"], loaded: true },
  // Not those over sockets: each mutant would run a whole realm for every test of theirs.
  "services/guard": {
    tests: ["test/services/guard/!(over-sockets|access|refusals|streams).test.ts"],
    loaded: false,
  },
  "client/guard": { tests: ["test/client/guard/!(over-sockets|forgotten-ticket).test.ts"], loaded: false },
};
