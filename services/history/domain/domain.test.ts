import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstIdAt, formatRequestId, maxRequestIdMs, requestIdEpochMs } from "../../../shared/request-id.ts";
import { keepAnswer } from "./answer.ts";
import { fairShare } from "./fair-share.ts";
import { idRangesOf } from "./id-text.ts";
import { bucketsPerE, percentilesUs } from "./latency.ts";
import { replaceMedia } from "./media.ts";
import { freePieces, partitionsFor, partitionsOf, retentionBound } from "./partitions.ts";
import { repairCount, repairText } from "./repair.ts";
import { shortenJson } from "./shorten.ts";
import { latestOfEach, replaces, type Standing } from "./standing.ts";
import { allIds, createdUnixUs, createdWithinMs, idsBetween } from "./times.ts";
import { windowsBackwards, windowsForwards } from "./windows.ts";

const someId = fc.bigInt({ min: 1n, max: allIds.to - 1n });

describe("the time of a request", () => {
  test("is its ID's, refined by microseconds: the history document's own example", () => {
    const within = createdWithinMs(767212140985061376n, 1_745_807_228_523_175n);
    expect(within).toBe(175);
    expect(createdUnixUs(767212140985061376n, within)).toBe(1_745_807_228_523_175n);
  });

  test("never leaves the ID's millisecond, whatever the record says", () => {
    fc.assert(
      fc.property(someId, fc.bigInt({ min: -(1n << 62n), max: 1n << 62n }), (id, createdUs) => {
        const us = createdUnixUs(id, createdWithinMs(id, createdUs));
        const range = idsBetween(us / 1_000n, us / 1_000n + 1n);
        expect(id >= range.from && id < range.to).toBe(true);
      }),
    );
  });

  test("makes a filter on time a range of IDs, clamped to those there are", () => {
    expect(idsBetween(0n, 0n)).toEqual(allIds);
    expect(idsBetween(1n, 2n)).toEqual({ from: 0n, to: 0n });
    expect(idsBetween(BigInt(maxRequestIdMs) + 1n, 1n << 60n)).toEqual({ from: allIds.to, to: allIds.to });
    expect(idsBetween(BigInt(requestIdEpochMs) + 5n, 0n)).toEqual({ from: 5n << 22n, to: allIds.to });
  });
});

describe("windows", () => {
  const nowMs = Date.UTC(2026, 5, 15);
  const someRange = fc.tuple(someId, someId).map(([a, b]) => (a < b ? { from: a, to: b } : { from: b, to: a }));

  test("cover a range once, without a gap, from either end", () => {
    fc.assert(
      fc.property(someRange, fc.integer({ min: 1, max: 10 ** 10 }), (range, firstMs) => {
        const windows = [...windowsBackwards(range, { nowMs, firstMs })];
        if (range.from === range.to) return windows.length === 0;
        expect(windows[0]?.to).toBe(range.to);
        expect(windows.at(-1)?.from).toBe(range.from);
        for (const [index, window] of windows.entries()) {
          expect(window.from < window.to).toBe(true);
          if (index > 0) expect(window.to).toBe(windows[index - 1]?.from);
        }
        expect([...windowsForwards(range, { nowMs, firstMs })]).toEqual(windows.toReversed());
        return true;
      }),
    );
  });

  test("are few, and the newest is the shortest", () => {
    const windows = [...windowsBackwards(allIds, { nowMs, firstMs: 7 * 86_400_000 })];
    expect(windows.length).toBeLessThan(8);
    expect(windows[0]?.from).toBe(firstIdAt(nowMs - 7 * 86_400_000));
  });
});

describe("partitions", () => {
  const options = { lengthMs: 86_400_000, prefix: "record" };

  test("cover a time without gap or overlap, and every ID has exactly one", () => {
    const plans = partitionsFor({ fromMs: Date.UTC(2026, 0, 1, 13), toMs: Date.UTC(2026, 0, 9, 2) }, options);
    expect(plans).toHaveLength(9);
    expect(plans[0]?.name).toBe("record_202601010000");
    for (const [index, plan] of plans.entries()) if (index > 0) expect(plan.from).toBe(plans[index - 1]?.to);
    fc.assert(
      fc.property(someId, (id) => {
        const [plan, ...rest] = partitionsOf([id, id], options);
        expect(rest).toEqual([]);
        expect(plan !== undefined && plan.from <= id && id < plan.to).toBe(true);
      }),
    );
  });

  test("fill what older ones of another length left free", () => {
    const [day] = partitionsFor({ fromMs: Date.UTC(2026, 0, 2), toMs: Date.UTC(2026, 0, 2) }, options);
    if (day === undefined) throw new Error("no plan");
    const hour = 3_600_000n << 22n;
    expect(freePieces(day, [])).toEqual([day]);
    expect(freePieces(day, [{ from: day.from - hour, to: day.to }])).toEqual([]);
    expect(freePieces(day, [{ from: 0n, to: day.from + hour }]).map(({ from, to }) => [from, to])).toEqual([
      [day.from + hour, day.to],
    ]);
    const pieces = freePieces(day, [{ from: day.from + hour, to: day.from + 2n * hour }]);
    expect(pieces.map(({ from, to }) => [from, to])).toEqual([
      [day.from, day.from + hour],
      [day.from + 2n * hour, day.to],
    ]);
    expect(new Set(pieces.map(({ name }) => name)).size).toBe(2);
  });

  test("are kept for ever where there is no retention", () => {
    expect(retentionBound(Date.UTC(2026, 0, 1), 0)).toBe(0n);
    expect(retentionBound(Date.UTC(2026, 0, 2), 86_400_000)).toBe(firstIdAt(Date.UTC(2026, 0, 1)));
  });
});

describe("which record stays", () => {
  const standing: fc.Arbitrary<Standing> = fc.record({
    requestId: fc.bigInt({ min: 1n, max: 3n }),
    status: fc.integer({ min: 1, max: 5 }),
    reconstructed: fc.boolean(),
    updatedUnixUs: fc.bigInt({ min: 0n, max: 3n }),
  });

  test("does not depend on the order of arrival, ties apart", () => {
    fc.assert(
      fc.property(fc.array(standing, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (list, order) => {
        const shuffled = list.map((item) => ({ item, key: order.next().value ?? 0 })).sort((a, b) => a.key - b.key);
        const kept = latestOfEach(list.map((item) => ({ standing: item })));
        const again = latestOfEach(shuffled.map(({ item }) => ({ standing: item })));
        expect(again).toHaveLength(kept.length);
        for (const [index, { standing: one }] of kept.entries()) {
          const other = again[index]?.standing;
          expect(other !== undefined && !replaces(one, other) && !replaces(other, one)).toBe(true);
        }
      }),
    );
  });
});

describe("the text of an ID", () => {
  test("stands for all IDs whose decimal spelling begins with it", () => {
    fc.assert(
      fc.property(someId, someId, fc.integer({ min: 1, max: 19 }), (id, other, digits) => {
        const ranges = idRangesOf(id.toString().slice(0, digits));
        const inside = (value: bigint): boolean => ranges.some(({ from, to }) => from <= value && value < to);
        expect(inside(id)).toBe(true);
        expect(inside(other)).toBe(other.toString().startsWith(id.toString().slice(0, digits)));
      }),
    );
  });

  test("may be a whole stamped one, and nothing else", () => {
    fc.assert(
      fc.property(someId, (id) => {
        expect(idRangesOf(formatRequestId(id, "stamped"))).toEqual([{ from: id, to: id + 1n }]);
      }),
    );
    for (const text of ["0", "01", "abc", "20250428", "2025042802270x", "-1", "99999999999999999999"]) {
      const ranges = idRangesOf(text);
      expect(ranges.length === 0 || /^[1-9]\d*$/.test(text)).toBe(true);
    }
  });
});

describe("repair", () => {
  test("leaves what PostgreSQL takes, and makes of the rest what it takes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 20 }), (text, max) => {
        const repairs = { repaired: false };
        const repaired = repairText(text, max, repairs);
        expect(repaired.isWellFormed() && !repaired.includes("\0") && repaired.length <= max).toBe(true);
        expect(repairs.repaired).toBe(repaired !== text);
      }),
    );
    expect(repairText("a\0b\ud800", 10, { repaired: false })).toBe("a\ufffdb\ufffd");
    expect(repairCount(1n << 63n, { repaired: false })).toBe((1n << 63n) - 1n);
  });
});

describe("shortening", () => {
  test("gives JSON of at most the size, of any JSON and of any text", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.json({ maxDepth: 4 }), fc.string({ unit: "binary" })),
        fc.integer({ min: 64, max: 400 }),
        (text, max) => {
          const shorter = shortenJson(text, max);
          expect(Buffer.byteLength(shorter)).toBeLessThanOrEqual(max);
          JSON.parse(shorter);
        },
      ),
    );
  });

  test("cuts what is long and keeps what is short", () => {
    const answer = { choices: [{ message: { content: "a".repeat(20_000) } }], usage: { total_tokens: 5_000 } };
    const shorter = JSON.parse(shortenJson(JSON.stringify(answer), 4_096)) as typeof answer;
    expect(shorter.usage).toEqual(answer.usage);
    expect(shorter.choices[0]?.message.content).toMatch(/^a{2000,}\.\.\.\[\d+ more characters cut\]$/);
    const embedding = { data: [{ embedding: Array.from({ length: 3_072 }, (_, n) => n / 7) }] };
    expect(shortenJson(JSON.stringify(embedding), 4_096)).toMatch(/more items cut\]"\]/);
  });

  test("survives what is nested too deeply to be walked", () => {
    expect(Buffer.byteLength(shortenJson("[".repeat(200_000) + "]".repeat(200_000), 4_096))).toBeLessThanOrEqual(4_096);
  });
});

describe("media", () => {
  const png = Buffer.concat([Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"), randomBytes(3_000)]);
  const words = `[image/png, ${png.length} bytes, sha256:${createHash("sha256").update(png).digest("hex")}]`;
  const replaced = (value: unknown): unknown =>
    JSON.parse(Buffer.from(replaceMedia(Buffer.from(JSON.stringify(value)))).toString()) as unknown;

  test("are replaced by type, size and digest, wherever they stand", () => {
    const base64 = png.toString("base64");
    expect(replaced({ data: [{ b64_json: base64 }, { b64_json: base64 }], é: 1 })).toEqual({
      data: [{ b64_json: words }, { b64_json: words }],
      é: 1,
    });
    expect(replaced({ text: `look: ![](data:image/png;base64,${base64}) and` })).toEqual({
      text: `look: ![](${words}) and`,
    });
    const escaped = Buffer.from(`{"b64_json":"${base64.replaceAll("/", "\\/")}"}`);
    expect(JSON.parse(Buffer.from(replaceMedia(escaped)).toString())).toEqual({ b64_json: words });
  });

  test("that are none stay: prose, embeddings in base64, a word that begins alike", () => {
    const texts = [
      "lorem ipsum ".repeat(500),
      randomBytes(3_000).toString("base64").replace(/^./, "B"),
      `iVBORw0KGgo ${"a".repeat(300)} b`,
    ];
    for (const text of texts) {
      const json = Buffer.from(JSON.stringify({ text }));
      expect(replaceMedia(json)).toBe(json);
    }
  });

  test("are looked for in time that grows with the text alone", () => {
    // 60 ms; 13 s where each mark is searched for its beginning through all that lies before it.
    const json = Buffer.from(JSON.stringify({ text: "A".repeat(400) + ";base64,".repeat(400_000) }));
    const begun = performance.now();
    expect(replaceMedia(json)).toBe(json);
    expect(performance.now() - begun).toBeLessThan(3_000);
  });

  test("never break a document", () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 0, max: 2_000 }), (json, length) => {
        const value = { before: JSON.parse(json) as unknown, image: png.toString("base64").slice(0, length) };
        const after = replaced(value) as typeof value;
        expect(after.before).toEqual(value.before);
        expect(after.image === value.image || after.image.startsWith("[image/png")).toBe(true);
      }),
    );
  });
});

describe("an answer", () => {
  const answer = (response: Uint8Array, storeResponse: number) => ({
    response,
    storeResponse,
    responseTruncated: false,
  });

  test("is kept as the account wants it", async () => {
    const long = Buffer.from(JSON.stringify({ content: "x".repeat(10_000) }));
    const repairs = { repaired: false };
    expect(await keepAnswer(answer(long, 1), 1_048_576, repairs)).toEqual({ response: long, truncated: false });
    expect(await keepAnswer(answer(long, 1), 8_000, repairs)).toMatchObject({ truncated: true });
    expect((await keepAnswer(answer(long, 2), 1_048_576, repairs)).response.length).toBeLessThanOrEqual(4_096);
    expect((await keepAnswer(answer(long, 3), 1_048_576, repairs)).response).toHaveLength(0);
    expect(repairs.repaired).toBe(false);
    const list = { data: Array.from({ length: 20_000 }, (_, n) => ({ n })), usage: { total_tokens: 3 } };
    const { response } = await keepAnswer(answer(Buffer.from(JSON.stringify(list)), 1), 8_000, repairs);
    expect(response.length).toBeLessThanOrEqual(8_000);
    expect(JSON.parse(Buffer.from(response).toString())).toMatchObject({ usage: list.usage });
    const broken = Buffer.from([0x22, 0xff, 0x22]);
    expect(Buffer.from((await keepAnswer(answer(broken, 1), 1_048_576, repairs)).response).toString()).toBe('"\ufffd"');
    expect(repairs.repaired).toBe(true);
  });
});

describe("fair shares", () => {
  test("fit the budget, and cut no more than they must", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(10_000), { minLength: 1 }),
        fc.integer({ min: 100, max: 100_000 }),
        (sizes, budget) => {
          const share = fairShare(sizes, budget);
          const sum = sizes.reduce((total, size) => total + Math.min(size, share), 0);
          expect(sum).toBeLessThanOrEqual(budget);
          if (share === Number.POSITIVE_INFINITY) return;
          const next = sizes.reduce((total, size) => total + Math.min(size, share + 1), 0);
          expect(next).toBeGreaterThan(budget);
        },
      ),
    );
  });
});

describe("latency", () => {
  test("percentiles of buckets are within 2 % of those of the values", () => {
    const values = fc.array(fc.integer({ min: 1, max: 3_600_000_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(values, (us) => {
        const counts = new Map<number, number>();
        for (const value of us) {
          const bucket = Math.floor(Math.log(value) * bucketsPerE);
          counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
        }
        const shares = [0.5, 0.9, 0.99, 1];
        const ascending = us.toSorted((a, b) => a - b);
        for (const [at, estimate] of percentilesUs(counts, shares).entries()) {
          const exact = ascending[Math.max(1, Math.ceil(us.length * (shares[at] ?? 0))) - 1] ?? 0;
          expect(Math.abs(estimate / exact - 1)).toBeLessThan(Math.exp(0.5 / bucketsPerE) - 1 + 1e-9);
        }
      }),
    );
    expect(percentilesUs(new Map(), [0.5, 0.99])).toEqual([0, 0]);
  });
});
