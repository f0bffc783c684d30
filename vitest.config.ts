import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { keepCompiled } from "./cli/compile-cache.ts";
import { readEnv } from "./shared/config.ts";

// For the workers, and for all processes that tests start: a file of a service that is run by itself keeps nothing otherwise,
// and needs 1.15 CPU-s to start in place of 0.63.
keepCompiled();

/** Files that look at the whole process that they run in: its memory, its event loop and who else uses it, its handlers, what it has loaded. */
const alone = [
  "gateway/edge/upload-memory.test.ts",
  "services/provider-adapter/engine/attempt-memory.test.ts",
  "shared/{spent-buffers,lifecycle,log-output}.test.ts",
  "shared/rpc/lane-fairness.test.ts",
  "shared/telemetry/loop-delay.test.ts",
  "test/guard/**/*.test.ts",
];

export default defineConfig({
  // The console's client from its sources: nothing is built before the tests.
  resolve: { alias: { "@throughline/client": fileURLToPath(new URL("client/index.ts", import.meta.url)) } },
  test: {
    globalSetup: ["test/setup/postgres.ts"],
    // Tests wait for processes and sockets half of their time, so one worker more than cores keeps these busy.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // The machines of CI share their cores with others: one more try tells a stall from a fault. Locally none is hidden.
    retry: readEnv().CI === undefined ? 0 : 1,
    projects: [
      {
        extends: true,
        test: {
          name: "shared",
          include: ["{shared,services,gateway,client,console,cli,test,.ci}/**/*.test.ts"],
          exclude: ["**/node_modules/**", ...alone],
          // A worker keeps its process and its modules for the next file, as no module has state of its own. 53 files of the
          // gateway take 38 CPU-s in place of 80.
          isolate: false,
        },
      },
      { extends: true, test: { name: "alone", include: alone } },
    ],
  },
});
