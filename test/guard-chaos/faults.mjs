// Faults that a run must find, each planted into the bundle of the service: one change of dist, at one place,
// and what the run calls it then.
import { SECOND_RUN } from "./verdict.mjs";

export const FAULTS = {
  "number-not-marked": {
    file: "protocol/attempt-numbers.js",
    find: "    take(number) {\n",
    replace: "    take(number) {\n        return true;\n",
    found: SECOND_RUN,
  },
  "tag-not-kept": {
    file: "services/guard/taken-tags.js",
    find: "this.#ends.set(name, now + MAX_CHALLENGE_AGE_MS);",
    replace: "void name;",
    found: SECOND_RUN,
  },
  "challenge-secret-shared": {
    file: "protocol/challenge.js",
    find: "this.#secret = takeRandom(random, SECRET_SIZE);",
    replace: "this.#secret = new Uint8Array(SECRET_SIZE);",
    found: SECOND_RUN,
  },
};
