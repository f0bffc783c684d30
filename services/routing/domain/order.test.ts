import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byAffinity, byChance, hash32, rank } from "./order.ts";

/** A repeatable source of chance (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const peersOf = (weights: number[]) => weights.map((weight, i) => ({ name: `c${i}`, weight, hash: hash32(`c${i}`) }));

/** Pearson's statistic of counts against expected shares; zero shares must have zero counts. */
function chiSquare(counts: number[], shares: number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  return counts.reduce((sum, count, i) => {
    const expected = total * (shares[i] ?? 0);
    if (expected === 0) expect(count).toBe(0);
    return expected === 0 ? sum : sum + (count - expected) ** 2 / expected;
  }, 0);
}
/** 99.99th percentile of chi-square with k degrees of freedom (Wilson and Hilferty). */
const critical = (k: number) => k * (1 - 2 / (9 * k) + 3.719 * Math.sqrt(2 / (9 * k))) ** 3;

describe("shares follow the weights", () => {
  test.each([[[1, 1]], [[3, 1]], [[5, 3, 2, 0]], [[100, 1, 1]], [[1, 2, 3, 4, 5, 6, 7]]])("%j", (weights) => {
    const total = weights.reduce((a, b) => a + b, 0);
    const peers = peersOf(weights);
    const drawn: [string, () => ReturnType<typeof byChance>][] = [["chance", () => byChance(random)]];
    const random = seeded(42);
    let n = 0;
    drawn.push(["affinity", () => byAffinity(`user-${n++}`)]);
    for (const [how, draw] of drawn) {
      const first = peers.map(() => 0);
      // Second places, by who was first: without replacement, the chances among those left are by weight again.
      const second = peers.map(() => peers.map(() => 0));
      for (let i = 0; i < 40_000; i++) {
        const [a, b] = rank(peers, draw(), 2).map((peer) => peers.indexOf(peer));
        if (a === undefined) throw new Error("nobody was drawn");
        first[a] = (first[a] ?? 0) + 1;
        const row = second[a];
        if (b !== undefined && row !== undefined) row[b] = (row[b] ?? 0) + 1;
      }
      const shares = weights.map((w) => w / total);
      expect(chiSquare(first, shares), how).toBeLessThan(critical(weights.length - 1));
      for (const [a, row] of second.entries()) {
        const rest = total - (weights[a] ?? 0);
        if (rest === 0 || (first[a] ?? 0) < 500) continue;
        const left = weights.map((w, i) => (i === a ? 0 : w / rest));
        const degrees = Math.max(1, left.filter((share) => share > 0).length - 1);
        expect(chiSquare(row, left), `${how}, after c${a}`).toBeLessThan(critical(degrees));
      }
    }
  });
});

describe("the order", () => {
  const weights = fc.array(fc.nat(20), { maxLength: 30 });

  test("is of distinct peers, as many as asked for, weight 0 last; the limit cuts it and nothing else", () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 10 }), fc.string(), (list, limit, key) => {
        const peers = peersOf(list);
        const all = rank(peers, byAffinity(key), peers.length || 1);
        expect(new Set(all).size).toBe(peers.length);
        const zero = all.findIndex(({ weight }) => weight === 0);
        if (zero >= 0) expect(all.slice(zero).every(({ weight }) => weight === 0)).toBe(true);
        expect(rank(peers, byAffinity(key), limit)).toEqual(all.slice(0, limit));
      }),
    );
  });

  test("of one key stays when another channel leaves or comes", () => {
    fc.assert(
      fc.property(weights, fc.string(), fc.nat(), (list, key, pick) => {
        const peers = peersOf(list);
        const gone = peers[pick % (peers.length || 1)];
        const all = rank(peers, byAffinity(key), 30);
        const rest = rank(
          peers.filter((peer) => peer !== gone),
          byAffinity(key),
          30,
        );
        expect(rest).toEqual(all.filter((peer) => peer !== gone));
      }),
    );
  });

  test("holds at the ends of chance", () => {
    const peers = peersOf([1, 0, 5]);
    for (const end of [0, 1 - 2 ** -53]) {
      const order = rank(
        peers,
        byChance(() => end),
        3,
      );
      expect(order.at(-1)?.weight).toBe(0);
      expect(order).toHaveLength(3);
    }
  });
});
