import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
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

/** Files that wait long for processes and browsers, the longest first; they take from 90 s to 15 s. */
const long = [
  "test/console/console.test.ts",
  "test/faults/points.test.ts",
  "cli/administration.test.ts",
  "test/e2e/videos.test.ts",
  "test/repository/settings.test.ts",
  "test/faults/kill.test.ts",
  "test/e2e/restart.test.ts",
  "test/e2e/walk.test.ts",
  "test/e2e/client/client.test.ts",
  "test/e2e/modules/modules.test.ts",
  "test/faults/job-steps.test.ts",
  "cli/mesh.test.ts",
  "test/e2e/one-up.test.ts",
  "test/e2e/reach.test.ts",
  "test/faults/batch-kills.test.ts",
  "test/e2e/keys.test.ts",
  "test/e2e/failover.test.ts",
  "test/faults/postgres.test.ts",
  "test/console/mesh.test.ts",
  "shared/rpc/tls.test.ts",
];

/**
 * Long files begin first, so that all workers come to their end together. A fresh clone knows no times, and vitest then goes by
 * the size of files: one of 60 lines that runs for half a minute came last of all, beside two workers with nothing to do.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number => {
      const place = long.findIndex((file) => moduleId.endsWith(`/${file}`));
      return place < 0 ? long.length : place;
    };
    return (await super.sort(files)).toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}

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
    sequence: { sequencer: LongestFirst },
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
