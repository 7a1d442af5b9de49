// A mutant that is on while tests run is off again while the next test file's modules load.
import { afterAll, inject } from "vitest";

if (inject("mutantActivation") === "runtime")
  afterAll(() => {
    globalThis[inject("globalNamespace")].activeMutant = undefined;
  });
