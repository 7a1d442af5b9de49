import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    testTimeout: 20_000,
    coverage: { include: ["src/**"], exclude: ["src/gen/**"] },
  },
});
