// How the mutants' tests run. Stryker's runner starts in a copy of the project and hands this file to vitest.
export default {
  test: {
    include: JSON.parse(process.env.MUTANTS_TESTS ?? "[]"),
    testTimeout: 20_000,
  },
};
