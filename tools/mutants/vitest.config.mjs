// How the mutants' tests run. Stryker's runner starts in a copy of the project and hands this file to vitest.
import { fileURLToPath } from "node:url";

export default {
  test: {
    include: JSON.parse(process.env.MUTANTS_TESTS ?? "[]"),
    testTimeout: 20_000,
    // Test files share their modules, which halves the time of a mutant. The next mutant gets new ones.
    isolate: false,
    setupFiles: [fileURLToPath(new URL("switch-off.mjs", import.meta.url))],
  },
};
