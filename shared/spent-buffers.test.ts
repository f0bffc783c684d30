import fc from "fast-check";
import { expect, test } from "vitest";
import { createSpentBuffers, spentStepBytes } from "./spent-buffers.ts";

test("however buffers are spent, no more of them wait for a collection than a step and the last one", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3 * spentStepBytes }), { maxLength: 50 }), (sizes) => {
      let waiting = 0;
      const spent = createSpentBuffers(() => {
        waiting = 0;
      });
      for (const size of sizes) {
        waiting += size;
        spent.add(size);
        expect(waiting).toBeLessThan(spentStepBytes);
      }
    }),
  );
});

test("a collection frees buffers that V8 would have kept", () => {
  const spent = createSpentBuffers();
  const mib = 1024 * 1024;
  let most = 0;
  const before = process.memoryUsage().arrayBuffers;
  for (let made = 0; made < 256 * mib; made += 64 * 1024) {
    Buffer.allocUnsafeSlow(64 * 1024);
    spent.add(64 * 1024);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(most).toBeLessThan(4 * spentStepBytes);
});
