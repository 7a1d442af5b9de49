/**
 * Seeds that once made a property fail, by the property's name: each is tried in every run. A failure prints
 * its seed as `{ seed: …, path: … }`; write the seed here, with what it found.
 */
export const KEPT_SEEDS: Readonly<Record<string, readonly number[]>> = {};
