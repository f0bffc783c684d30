import { expect, test } from "vitest";
import { Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { videoDemand } from "./video-demand.ts";

const longest = 15_000n;

test.each([
  [{ seconds: "8" }, 8_000n],
  [{ seconds: 12 }, 12_000n],
  [{ duration: "10" }, 10_000n],
  [{ duration: 20 }, 20_000n],
  [{ seconds: null, duration: 20 }, 20_000n],
  [{ seconds: "4", duration: 20 }, 4_000n],
  [{}, longest],
])("%j reserves the length that its vendor is asked for: %s ms", (fields, ms) => {
  const worst = videoDemand({ model: "m", prompt: "p", ...fields }).worst({
    contextWindowTokens: 0n,
    maxOutputTokens: 0n,
  });
  expect(worst.more?.find(({ unit }) => unit === Unit.OUTPUT_VIDEO_MS)?.amount).toBe(ms);
});
