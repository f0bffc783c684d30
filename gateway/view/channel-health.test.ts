import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ChannelHealthSchema } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { stateOf } from "./channel-health.ts";

const nowMs = 1_800_000_000_000;
const limit = { lastFailureStatus: 429 };

test.each([
  ["quiet", {}],
  ["healthy", { recentAttempts: 20 }],
  ["healthy", { recentAttempts: 20, recentFailures: 1, ...limit }],
  ["degraded", { recentAttempts: 20, recentFailures: 2, ...limit }],
  ["limited", { recentAttempts: 20, recentFailures: 10, ...limit }],
  // The report says nothing new, or that all went well since the last one: the last attempts count.
  ["limited", { recentAttempts: 1, recentFailures: 1, attempts: 0, ...limit }],
  ["limited", { recentAttempts: 1, recentFailures: 1, cooldownUntilUnixMs: BigInt(nowMs + 1), ...limit }],
  ["failing", { recentAttempts: 4, recentFailures: 2, lastFailureStatus: 500 }],
  ["failing", { recentAttempts: 4, recentFailures: 4 }],
  ["open", { recentAttempts: 20, recentFailures: 20, open: true, ...limit }],
  ["cooling_down", { recentAttempts: 20, cooldownUntilUnixMs: BigInt(nowMs + 1) }],
  ["healthy", { recentAttempts: 20, cooldownUntilUnixMs: BigInt(nowMs) }],
  // A provider of an earlier version.
  ["failing", { attempts: 2, failures: 2 }],
  ["healthy", { attempts: 2 }],
] as const)("a channel is %s: %o", (state, health) => {
  expect(stateOf(create(ChannelHealthSchema, health), nowMs)).toBe(state);
});
