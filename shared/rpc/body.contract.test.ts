import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bodyWindowBytes } from "./call-body.ts";
import { createEcho } from "./testing-echo.ts";
import { collect, failureOf, soon, transports } from "./testing-pairs.ts";
import type { BodySource } from "./types.ts";

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Bytes of which no two pieces are equal. */
function bytesOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) bytes[index] = (index * 31 + (index >> 8) * 7 + (index >> 16)) % 251;
  return bytes;
}

/** A body in memory that notes what is read of it. */
function sourceOf(bytes: Uint8Array, most = Number.POSITIVE_INFINITY) {
  const read = { bytes: 0, calls: 0, ends: 0, running: 0, overlaps: 0 };
  const source: BodySource = {
    length: bytes.length,
    async read(offset, maxBytes) {
      read.calls += 1;
      if (read.running > 0) read.overlaps += 1;
      read.running += 1;
      await new Promise((resolve) => setImmediate(resolve));
      read.running -= 1;
      const piece = bytes.subarray(offset, offset + Math.min(maxBytes, most));
      read.bytes += piece.length;
      return piece;
    },
  };
  return { source, read };
}

const itemOf = (text: string, bytes: Uint8Array) => ({ text, bodyLength: BigInt(bytes.length) });

describe.each(transports)("the body of a call %s", (_name, pair) => {
  test("arrives whole and in order, however large the pieces are that its source gives", async () => {
    const { client } = await pair();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 700_000 }),
        fc.integer({ min: 900, max: 100_000 }),
        async (length, most) => {
          const bytes = bytesOf(length);
          const { source, read } = sourceOf(bytes, most);
          const outcome = await client.count.open(itemOf("body", bytes), { ...soon, body: source }).outcome;
          expect(hexOf(outcome.bodySha256)).toBe(digestOf(bytes));
          expect(read).toMatchObject({ bytes: length, overlaps: 0 });
        },
      ),
      { numRuns: 12 },
    );
  });

  test("is read anew from its start, wherever the first reading stood", async () => {
    const { client } = await pair();
    const bytes = bytesOf(900_000);
    for (const stood of [1, 65_536, 65_537, 300_000, 899_999, 900_000]) {
      const { source, read } = sourceOf(bytes);
      const outcome = await client.count.open(itemOf(`body-again:${stood}`, bytes), { ...soon, body: source }).outcome;
      expect(hexOf(outcome.bodySha256)).toBe(digestOf(bytes));
      expect(read.overlaps).toBe(0);
      expect(read.bytes).toBeLessThanOrEqual(900_000 + stood + 2 * bodyWindowBytes);
    }
  });

  test("is not sent to a handler that never reads", async () => {
    const { client, echo } = await pair();
    const bytes = bytesOf(500_000);
    const { source, read } = sourceOf(bytes);
    const stream = client.count.open(itemOf("body-never", bytes), { ...soon, body: source });
    await echo.until(({ texts }) => texts.includes("body-never"));
    await quiet(client);
    echo.release();
    expect((await stream.outcome).bodySha256.length).toBe(0);
    expect(read.calls).toBe(0);
  });

  test("stands where its reader stands, and other calls of the lane go on", async () => {
    const { client, echo } = await pair();
    const bytes = bytesOf(3_000_000);
    const { source, read } = sourceOf(bytes);
    const standing = client.count.open(itemOf("body-stand", bytes), { timeoutMs: 20_000, body: source });
    await echo.until(({ texts }) => texts.includes("stands"));
    const other = sourceOf(bytes);
    const went = await client.count.open(itemOf("body", bytes), { timeoutMs: 20_000, body: other.source }).outcome;
    expect(hexOf(went.bodySha256)).toBe(digestOf(bytes));
    expect((await collect(client.count.open({ frames: 50, frameBytes: 1_000 }, soon))).length).toBe(50);
    await quiet(client);
    expect(read.bytes).toBeGreaterThan(0);
    expect(read.bytes).toBeLessThanOrEqual(bodyWindowBytes + 64 * 1024);
    echo.release();
    expect(hexOf((await standing.outcome).bodySha256)).toBe(digestOf(bytes));
  });

  test("eight at once keep apart", async () => {
    const { client } = await pair();
    await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const bytes = bytesOf(400_000 + index).map((byte) => byte ^ index);
        const { source } = sourceOf(bytes);
        const text = index % 2 === 0 ? "body" : `body-again:${index * 50_000}`;
        const outcome = await client.count.open(itemOf(text, bytes), { timeoutMs: 20_000, body: source }).outcome;
        expect(hexOf(outcome.bodySha256)).toBe(digestOf(bytes));
      }),
    );
  });

  test.each(["cancel", "deadline"])(
    "a %s in the middle ends the reading, and nothing is read of it afterwards",
    async (way) => {
      const { client, echo } = await pair();
      const bytes = bytesOf(2_000_000);
      let begun = (): void => {};
      const began = new Promise<void>((resolve) => {
        begun = resolve;
      });
      // It brings its first piece and then nothing more.
      let calls = 0;
      const source: BodySource = {
        length: bytes.length,
        read: (offset, maxBytes) => {
          calls += 1;
          if (offset === 0) return Promise.resolve(bytes.subarray(0, maxBytes));
          begun();
          return new Promise(() => {});
        },
      };
      const timeoutMs = way === "deadline" ? 1_000 : 5_000;
      const stream = client.count.open(itemOf("body-watch", bytes), { timeoutMs, body: source, outcomeGraceMs: 2_000 });
      await began;
      if (way === "cancel") stream.cancel();
      await echo.until(({ aborted }) => aborted.length > 0);
      const code = way === "cancel" ? "client_closed_request" : "upstream_timeout";
      // At the deadline the client's cancel and the handler's own clock tell of the same moment.
      const heard = way === "cancel" ? code : expect.stringMatching(/^(upstream_timeout|client_closed_request)$/);
      expect(echo.seen.aborted).toEqual([{ text: "body-watch", code: heard }]);
      expect((await failureOf(stream.outcome)).code).toEqual(heard);
      expect(calls).toBe(2);
    },
  );

  test("a source that fails, or ends too early, fails its call and stops the handler", async () => {
    const { client, echo } = await pair();
    const bytes = bytesOf(300_000);
    const faults: Record<string, BodySource["read"]> = {
      fails: (offset, maxBytes) =>
        offset === 0 ? Promise.resolve(bytes.subarray(0, maxBytes)) : Promise.reject(new Error("disk /secret")),
      ends: (offset, maxBytes) => Promise.resolve(offset === 0 ? bytes.subarray(0, maxBytes) : new Uint8Array()),
    };
    for (const read of Object.values(faults)) {
      const stream = client.count.open(itemOf("body-watch", bytes), { ...soon, body: { length: bytes.length, read } });
      const failed = await failureOf(collect(stream));
      expect(failed.code).toBe("internal_error");
      expect(failed.message).not.toContain("secret");
      await failureOf(stream.outcome);
    }
    expect(echo.seen.aborted.length).toBe(2);
    // The lane has outlived it.
    expect(await client.count.call({ frames: 1, frameBytes: 1 }, soon)).toMatchObject({ frames: 1 });
  });

  test("a lane that breaks in the middle fails the call on both sides", async () => {
    const { client, echo, stop } = await pair({}, createEcho());
    const bytes = bytesOf(2_000_000);
    const source: BodySource = {
      length: bytes.length,
      read: (offset, maxBytes) =>
        offset < 128 * 1024 ? Promise.resolve(bytes.subarray(offset, offset + maxBytes)) : new Promise(() => {}),
    };
    const stream = client.count.open(itemOf("body-watch", bytes), { ...soon, body: source });
    await echo.until(({ texts }) => texts.includes("body-watch"));
    await quiet(client);
    await stop(0);
    expect((await failureOf(stream.outcome)).code).toBe("service_unavailable");
    await echo.until(({ aborted }) => aborted.length > 0);
  });

  test("a call without one sees none", async () => {
    const { client } = await pair();
    expect(await client.count.call({ frames: 2, frameBytes: 1, text: "body" }, soon)).toMatchObject({ frames: 2 });
  });
});

/** Lets what is under way arrive: a hundred round trips on a lane of the same client. */
async function quiet(client: { echo: { call: (item: object, options: typeof soon) => Promise<unknown> } }) {
  for (let round = 0; round < 100; round += 1) await client.echo.call({}, soon);
}
