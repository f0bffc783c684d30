import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { createLog } from "../../../shared/log.ts";
import {
  codeOf,
  createPayer,
  nextRequestId,
  type Payer,
  reserve,
  standing,
  startReplica,
  type TestBilling,
} from "../testing.ts";
import { startValkey, valkeyProgram } from "./testing-valkey.ts";

let postgres: TestPostgres;
const options = { timeoutMs: 10_000 };

beforeAll(async () => {
  postgres = await testPostgres();
});
afterAll(() => postgres.stop());

describe("in one process", () => {
  let billing: TestBilling;
  beforeAll(async () => {
    billing = await startReplica(postgres.url);
  });
  afterAll(() => billing.stop());

  test("no limits, no headers", async () => {
    const payer = await createPayer(billing.client);
    expect((await reserve(billing.client, payer, 1n)).headers).toEqual({});
  });

  test.each(["key", "account"] as const)(
    "requests of a %s pass up to the limit, in order, with headers",
    async (of) => {
      const { client } = billing;
      const payer = await createPayer(client, { [of]: { limits: { requestsPerMinute: 3 } } });
      const answers = await Promise.all([1, 2].map(() => reserve(client, payer, 1n)));
      expect(answers.map(({ headers }) => headers["x-ratelimit-remaining-requests"])).toEqual(["2", "1"]);
      expect(answers[0]?.headers["x-ratelimit-limit-requests"]).toBe("3");
      expect(answers[0]?.headers["x-ratelimit-reset-requests"]).toMatch(/^(1m0s|59(\.\d+)?s)$/);
      expect(await codeOf(reserve(client, payer, 1n))).toBe("ok");
      const refused = await reserve(client, payer, 1n).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        code: "rate_limit_exceeded",
        httpStatus: 429,
        message: expect.stringMatching(
          new RegExp(`^The ${of}'s limit of 3 requests a minute is reached; wait (1m0s|\\d+s), then`),
        ),
        headers: { "x-ratelimit-limit-requests": "3", "x-ratelimit-remaining-requests": "0" },
        retryAfterMs: expect.any(Number),
      });
      expect(await standing(client, payer.accountId)).toMatchObject({ reserved: 3n });
    },
  );

  test("tokens are those of the reservation; one that is too large leaves room for smaller ones", async () => {
    const { client } = billing;
    const payer = await createPayer(client, { key: { limits: { tokensPerMinute: 100n } } });
    const codes = await Promise.all([60n, 60n, 40n, 1n].map((tokens) => codeOf(reserve(client, payer, tokens))));
    const refused = "rate_limit_exceeded";
    expect(codes).toEqual(["ok", refused, "ok", refused]);
    const larger = await createPayer(client, { key: { limits: { tokensPerMinute: 100n } } });
    await expect(reserve(client, larger, 101n)).rejects.toThrow(/below the 101 tokens.*lower max_tokens/);
    expect(await codeOf(reserve(client, larger, 100n))).toBe("ok");
  });

  test("a request that is refused for whatever reason costs nothing of any limit", async () => {
    const { client } = billing;
    const limits = { requestsPerMinute: 2, tokensPerMinute: 100n };
    const payer = await createPayer(client, { creditNanoUsd: 50n, key: { limits }, account: { limits } });
    for (let i = 0; i < 5; i++) expect(await codeOf(reserve(client, payer, 51n))).toBe("insufficient_quota");
    for (let i = 0; i < 5; i++) expect(await codeOf(reserve(client, payer, 101n))).toBe("rate_limit_exceeded");
    const id = nextRequestId();
    const first = await reserve(client, payer, 25n, id);
    for (let i = 0; i < 5; i++) expect(await codeOf(reserve(client, payer, 25n, id))).toBe("ok");
    const second = await reserve(client, payer, 25n);
    expect([first, second].map(({ headers }) => headers["x-ratelimit-remaining-tokens"])).toEqual(["75", "50"]);
    expect([first, second].map(({ headers }) => headers["x-ratelimit-remaining-requests"])).toEqual(["1", "0"]);
  });

  test("of key and account the tighter one shows and decides", async () => {
    const { client } = billing;
    const payer = await createPayer(client, {
      key: { limits: { requestsPerMinute: 5 } },
      account: { limits: { requestsPerMinute: 2 } },
    });
    expect((await reserve(client, payer, 1n)).headers["x-ratelimit-remaining-requests"]).toBe("1");
    await reserve(client, payer, 1n);
    await expect(reserve(client, payer, 1n)).rejects.toThrow(/The account's limit of 2/);
  });

  test("a limit that changes is in force on every replica at once", async () => {
    await using other = await startReplica(postgres.url);
    const payer = await createPayer(billing.client);
    for (const { client } of [billing, other]) expect((await reserve(client, payer, 1n)).headers).toEqual({});
    await billing.client.updateKey({ keyId: payer.keyId, limits: { requestsPerMinute: 1 } }, options);
    const limited = async (): Promise<boolean> => {
      const codes = [await codeOf(reserve(other.client, payer, 1n)), await codeOf(reserve(other.client, payer, 1n))];
      return codes.includes("rate_limit_exceeded");
    };
    const endMs = performance.now() + 2_000;
    while (!(await limited())) {
      expect(performance.now()).toBeLessThan(endMs);
      await delay(10);
    }
  });
});

describe.skipIf(valkeyProgram === undefined)(
  `over replicas with ${valkeyProgram ?? "Valkey (skipped: neither valkey-server nor redis-server is installed)"}`,
  () => {
    const program = valkeyProgram ?? "";

    /** So many requests of one payer at once, over all replicas. */
    async function burst(
      replicas: readonly TestBilling[],
      payer: Payer,
      requests: number,
      tokens = 1n,
    ): Promise<string[]> {
      return Promise.all(
        Array.from({ length: requests }, (_, i) => {
          const replica = replicas[i % replicas.length];
          return replica === undefined ? "none" : codeOf(reserve(replica.client, payer, tokens));
        }),
      );
    }

    test("with a limit of N requests and 10 N at once over three replicas, exactly N run", async () => {
      await using valkey = await startValkey(program);
      const replicas = await Promise.all([1, 2, 3].map(() => startReplica(postgres.url, { valkeyUrl: valkey.url })));
      const [first] = replicas;
      if (first === undefined) throw new Error("no replica");
      const limit = 50;
      const byKey = await createPayer(first.client, { key: { limits: { requestsPerMinute: limit } } });
      const byTokens = await createPayer(first.client, { account: { limits: { tokensPerMinute: BigInt(limit * 7) } } });
      for (const [payer, tokens] of [
        [byKey, 1n],
        [byTokens, 7n],
      ] as const) {
        const codes: string[] = [];
        for (let round = 0; round < 5; round++) codes.push(...(await burst(replicas, payer, limit * 2, tokens)));
        expect(codes.filter((code) => code === "ok")).toHaveLength(limit);
        expect(codes.filter((code) => code === "rate_limit_exceeded")).toHaveLength(limit * 9);
      }
      await Promise.all(replicas.map((replica) => replica.stop()));
    });

    test.each(["refuse", "local"] as const)(
      "one that hangs is waited for once, and only by who has limits: %s",
      async (fallback) => {
        await using valkey = await startValkey(program);
        const lines: string[] = [];
        const log = createLog({ service: "billing", destination: { write: (line) => void lines.push(line) } });
        const config = { valkeyUrl: valkey.url, valkeyFallback: fallback };
        await using billing = await startReplica(postgres.url, config, { log });
        const { client } = billing;
        const limited = await createPayer(client, { key: { limits: { requestsPerMinute: 1_000 } } });
        const others = await createPayer(client, { account: { limits: { tokensPerMinute: 1_000n } } });
        const free = await createPayer(client);
        for (const payer of [limited, others, free]) await reserve(client, payer, 1n);
        valkey.hang();

        // One batch: who has no limits is answered while the others still wait for their counters.
        const waiting = new Set(["limited", "others"]);
        const asked = [
          codeOf(reserve(client, limited, 1n)).finally(() => waiting.delete("limited")),
          codeOf(reserve(client, others, 1n)).finally(() => waiting.delete("others")),
        ];
        expect(await codeOf(reserve(client, free, 1n))).toBe("ok");
        for (let i = 0; i < 5; i++) expect(await codeOf(reserve(client, free, 1n))).toBe("ok");
        expect([...waiting]).toEqual(["limited", "others"]);
        const expected = fallback === "refuse" ? "service_unavailable" : "ok";
        expect(await Promise.all(asked)).toEqual([expected, expected]);

        // From here on nobody asks it: one time-out for each of these would be far beyond the time of this test.
        for (let i = 0; i < 100; i++) expect(await codeOf(reserve(client, limited, 1n))).toBe(expected);

        valkey.goOn();
        const endMs = performance.now() + 10_000;
        while (!lines.some((line) => line.includes("Valkey is back"))) {
          expect(performance.now()).toBeLessThan(endMs);
          await delay(20);
        }
        const back = await reserve(client, limited, 1n);
        expect(back.headers["x-ratelimit-limit-requests"]).toBe("1000");
      },
    );

    test.each(["refuse", "local"] as const)(
      "while it is away, %s; logged once; nothing fails with a 500",
      async (fallback) => {
        await using valkey = await startValkey(program);
        const lines: { level: string; msg: string }[] = [];
        const log = createLog({ service: "billing", destination: { write: (line) => lines.push(JSON.parse(line)) } });
        const config = { valkeyUrl: valkey.url, valkeyFallback: fallback };
        await using billing = await startReplica(postgres.url, config, { log });
        const { client } = billing;
        const payer = await createPayer(client, { key: { limits: { requestsPerMinute: 5 } } });
        const free = await createPayer(client);
        expect(await burst([billing], payer, 5)).toEqual(Array.from({ length: 5 }, () => "ok"));
        await valkey.kill();

        const codes = [...(await burst([billing], payer, 5)), ...(await burst([billing], payer, 5))];
        const local = [
          ...Array.from({ length: 5 }, () => "ok"),
          ...Array.from({ length: 5 }, () => "rate_limit_exceeded"),
        ];
        expect(codes).toEqual(fallback === "refuse" ? Array.from({ length: 10 }, () => "service_unavailable") : local);
        expect(await burst([billing], free, 3)).toEqual(["ok", "ok", "ok"]);

        await valkey.restart();
        const endMs = performance.now() + 10_000;
        while (!lines.some(({ msg }) => msg.startsWith("Valkey is back"))) {
          expect(performance.now()).toBeLessThan(endMs);
          await delay(20);
        }
        expect(await burst([billing], payer, 6)).toEqual([
          ...Array.from({ length: 5 }, () => "ok"),
          "rate_limit_exceeded",
        ]);
        expect(lines.filter(({ msg }) => msg.startsWith("Valkey is away"))).toHaveLength(1);
        expect(lines.filter(({ level }) => level === "error")).toHaveLength(1);
      },
    );
  },
);
