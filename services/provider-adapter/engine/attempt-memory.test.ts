import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { startTestProvider } from "../testing-provider.ts";
import { rawServer } from "../upstream/testing.ts";

setFlagsFromString("--expose-gc");
const collect: unknown = runInNewContext("gc");

/** Bytes of buffers that something still leads to. */
function buffersInUse(): number {
  if (typeof collect === "function") collect();
  return process.memoryUsage().arrayBuffers;
}

test("of a document that is no answer, in place of a stream, no more is held than an error is read of", async () => {
  const sent = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const megabyte = "x".repeat(1_000_000);
  const host = await rawServer((socket) => {
    socket.once("data", async () => {
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${30 * megabyte.length}\r\n\r\n`,
      );
      for (let count = 0; count < 29; count += 1) {
        await new Promise<void>((resolve) => void socket.write(megabyte, () => resolve()));
      }
      sent.resolve();
      await ended.promise;
      socket.end(megabyte);
    });
  });
  await using provider = await startTestProvider({ a: { adapter: "openai", baseUrl: `http://${host}/v1` } });
  const before = buffersInUse();
  const invoked = provider.invoke({
    dialect: "openai.chat",
    body: { model: "m", stream: true, messages: [{ role: "user", content: "Hi" }] },
    candidates: [{ channel: "a", model: "m" }],
  });
  await sent.promise;
  // The sockets hold some megabytes at most.
  await expect.poll(() => buffersInUse() - before, { timeout: 3_000 }).toBeLessThan(8_000_000);
  ended.resolve();
  expect((await invoked).error?.code).toBe("upstream_error");
});
