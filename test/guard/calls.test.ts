import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { watchCalls } from "./calls.ts";

test("what is counted is seen, with who did it, until the watch is over", () => {
  const watched = watchCalls();
  try {
    JSON.parse(JSON.stringify("text"));
    Buffer.concat([Buffer.from("text")]).indexOf(0);
    Buffer.from(new ArrayBuffer(1));
    clearTimeout(setTimeout(() => undefined));
    clearInterval(setInterval(() => undefined));
    new AbortController().signal.addEventListener("abort", () => undefined);
    new EventEmitter().once("event", () => undefined);
  } finally {
    watched.stop();
  }
  JSON.parse("1");
  const by = "test/guard/calls.test.ts";
  expect(watched.calls.map((call) => [call.what, call.json, call.by])).toEqual([
    ["JSON.stringify", '"text"', by],
    ["JSON.parse", '"text"', by],
    ["Buffer.from", "", by],
    ["Buffer.concat", "", by],
    ["Buffer.indexOf", "", by],
    ["timer", "", by],
    ["timer", "", by],
    ["AbortController", "", by],
    ["listener", "", by],
    ["listener", "", by],
  ]);
});
