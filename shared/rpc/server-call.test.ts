import { expect, test } from "vitest";
import { createDeadlines } from "./deadlines.ts";
import { ServerCall, type ServerCallLane } from "./server-call.ts";

test("frames go on until the deadline is told, and not a moment less", () => {
  const sent: unknown[] = [];
  const lane: ServerCallLane = {
    deadlines: createDeadlines(),
    send: (_call, _kind, value) => void sent.push(value),
    want: () => undefined,
    owe: () => undefined,
    closeCall: () => {},
    report: () => {},
  };
  const call = new ServerCall(lane, 1, {}, 0n, "", 5);
  let told = 0;
  call.onStop(() => {
    told += 1;
  });
  // No timer runs meanwhile: the time is over, and nobody has been told so.
  while (performance.now() <= call.deadlineMs) {}
  call.write("in between");
  expect([sent, told]).toEqual([["in between"], 0]);
  call.expire();
  call.write("after it");
  expect([sent, told]).toEqual([["in between"], 1]);
});
