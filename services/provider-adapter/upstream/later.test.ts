import { expect, test } from "vitest";
import { callLater } from "./later.ts";
import type { UpstreamCall } from "./request.ts";

function setUp() {
  const heard: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const call: UpstreamCall = {
    resent: true,
    pause: () => heard.push("pause"),
    resume: () => heard.push("resume"),
    drain: () => heard.push("drain"),
    abort: () => heard.push("abort"),
  };
  const late = callLater(
    promise,
    (needed) => {
      heard.push(`begin with ${needed}`);
      return call;
    },
    { onUnready: (thrown) => heard.push(`unready: ${String(thrown)}`), onAborted: () => heard.push("aborted before") },
  );
  return { heard, late, resolve, reject, ready: promise };
}

test("what is said before the call begins holds from its beginning", async () => {
  const { heard, late, resolve, ready } = setUp();
  expect(late.resent).toBe(false);
  late.pause();
  late.resume();
  late.pause();
  resolve("x");
  await ready;
  expect(heard).toEqual(["begin with x", "pause"]);
  late.resume();
  late.drain();
  late.abort();
  expect(heard.slice(2)).toEqual(["resume", "drain", "abort"]);
  expect(late.resent).toBe(true);
});

test("one that is aborted before never begins, whatever comes", async () => {
  for (const comes of ["resolve", "reject"] as const) {
    const { heard, late, ready, ...settle } = setUp();
    late.abort();
    late.abort();
    settle[comes]("x");
    await ready.catch(() => undefined);
    expect(heard).toEqual(["aborted before"]);
  }
});

test("what it waited for did not come", async () => {
  const { heard, late, reject, ready } = setUp();
  reject("no");
  await ready.catch(() => undefined);
  late.abort();
  expect(heard).toEqual(["unready: no"]);
});
