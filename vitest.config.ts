import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { readEnv } from "./shared/config.ts";

export default defineConfig({
  test: {
    include: ["{shared,services,gateway,client,cli,test,.ci}/**/*.test.ts"],
    globalSetup: ["test/setup/postgres.ts"],
    // Tests wait for processes and sockets half of their time, so one worker more than cores keeps these busy.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // The machines of CI share their cores with others: one more try tells a stall from a fault. Locally none is hidden.
    retry: readEnv().CI === undefined ? 0 : 1,
  },
});
