import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{shared,services,gateway,cli,test,.ci}/**/*.test.ts"],
    globalSetup: ["test/setup/postgres.ts"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
