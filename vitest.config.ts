import { defineConfig } from "vitest/config";

/**
 * Tests that spend their time in processes that they start: the command as typed, servers, compilers, other
 * people's clients. `npm run test:fast` runs all the others.
 */
const SPAWNING = [
  "test/cli/outputs.test.ts",
  "test/cli/commands/completion.test.ts",
  "test/cli/commands/postgres.test.ts",
  "test/cli/prompt.test.ts",
  "test/cli/start.test.ts",
  "test/client/guard/over-sockets.test.ts",
  "test/client/shared-cache.test.ts",
  "test/contract/call.test.ts",
  "test/contract/reflection.test.ts",
  "test/docs/doors.test.ts",
  "test/docs/lessons.test.ts",
  "test/docs/operations.test.ts",
  "test/docs/path.test.ts",
  "test/doors/**",
  "test/e2e/**",
  "test/files/locked-file.test.ts",
  "test/files/secret-file.test.ts",
  "test/hostile/killed.test.ts",
  "test/lab/**/*in-chromium.test.ts",
  "test/hostile/secrets.test.ts",
  "test/lab/at-the-end.test.ts",
  "test/lab/live/page.test.ts",
  "test/lab/exercise/bad-servers.test.ts",
  "test/lab/exercise/{go,python,typescript}.test.ts",
  "test/lab/challenges/built.test.ts",
  "test/package/**",
  "test/services/guard/half-calls.test.ts",
  "test/services/reflection.test.ts",
  "test/shared-key/processes.test.ts",
  "test/simulation/simulation.test.ts",
  "test/store/key-value-store.test.ts",
  "test/store/attempts/login-attempts-shared.test.ts",
  "test/realm/postgres*.test.ts",
  "test/services/postgres*.test.ts",
  "test/store/postgres/**",
  "test/store/replay-processes.test.ts",
  "test/store/redis/replay-cache.test.ts",
  "test/tools/**",
  "examples/**",
];

export default defineConfig({
  test: {
    // For what hangs: a machine that has much else to do takes long.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A worker a processor; otherwise one processor of two would be left to whoever types.
    maxWorkers: "100%",
    setupFiles: ["test/support/remembered-pbkdf2.ts"],
    // The files that a worker runs share their modules, which takes a third of the time: no test may leave a
    // global or a module's state changed.
    isolate: false,
    coverage: { include: ["src/**"], exclude: ["src/gen/**"] },
    projects: [
      {
        extends: true,
        test: { name: "fast", include: ["test/**/*.test.ts"], exclude: SPAWNING },
      },
      { extends: true, test: { name: "spawning", include: SPAWNING.map(testFiles) } },
    ],
  },
});

function testFiles(pattern: string): string {
  return pattern.endsWith("**") ? `${pattern}/*.test.ts` : pattern;
}
