import { describe, expect, test } from "vitest";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { GrantedToken } from "../adapters/adapter.ts";
import type { OpenChannel } from "../channels.ts";
import { createTokens } from "./tokens.ts";

/** Credentials that are exchanged when the test says so, at a clock of the test. */
function setUp() {
  let nowMs = 1_000_000;
  let steadyMs = 0;
  const warnings: unknown[] = [];
  const exchanges: PromiseWithResolvers<GrantedToken>[] = [];
  const channel = {
    name: "cloud",
    adapter: {
      grant(credential: string) {
        if (credential.startsWith("static")) return undefined;
        const exchange = Promise.withResolvers<GrantedToken>();
        exchanges.push(exchange);
        return exchange.promise;
      },
    },
  } as unknown as OpenChannel;
  const tokens = createTokens({
    upstream: {
      send: () => {
        throw new Error("nothing is sent here");
      },
    },
    log: { warn: (...line: unknown[]) => warnings.push(line) } as never,
    nowMs: () => nowMs,
    steadyMs: () => steadyMs,
  });
  return {
    warnings,
    exchanges,
    of: (credential: string) => tokens.of(channel, credential),
    pass: (ms: number) => {
      nowMs += ms;
      steadyMs += ms;
    },
    /** Somebody sets the clock. */
    setClock: (byMs: number) => {
      nowMs += byMs;
    },
    /** Ends the exchange of a number with a token that holds for so long. */
    async give(number: number, token: string, lifeMs: number) {
      exchanges[number]?.resolve({ token, endsMs: nowMs + lifeMs });
      await exchanges[number]?.promise;
    },
    async refuse(number: number, thrown: unknown) {
      exchanges[number]?.reject(thrown);
      await exchanges[number]?.promise.catch(() => undefined);
      await Promise.resolve();
    },
  };
}

const hourMs = 3_600_000;

test("what is no credential to exchange is sent itself, at once", () => {
  const { of, exchanges } = setUp();
  expect(of("")).toBe("");
  expect(exchanges).toHaveLength(0);
});

test("a credential that is a token already is sent itself", async () => {
  const { of, exchanges } = setUp();
  expect(await of("static-token")).toBe("static-token");
  expect(exchanges).toHaveLength(0);
});

describe("an exchange", () => {
  test("is one, however many ask, and serves without a wait until it must be renewed", async () => {
    const { of, exchanges, give, pass } = setUp();
    const asked = [of("key"), of("key"), of("key"), of("other")];
    expect(exchanges).toHaveLength(2);
    await give(0, "first", hourMs);
    await give(1, "others", hourMs);
    expect(await Promise.all(asked)).toEqual(["first", "first", "first", "others"]);
    pass(hourMs - 300_001);
    expect(of("key")).toBe("first");
    expect(exchanges).toHaveLength(2);
  });

  test("is made anew before the end, by one, while the old token serves", async () => {
    const { of, exchanges, give, pass } = setUp();
    const asked = of("key");
    await give(0, "first", hourMs);
    await asked;
    pass(hourMs - 300_000);
    expect([of("key"), of("key"), of("key")]).toEqual(["first", "first", "first"]);
    expect(exchanges).toHaveLength(2);
    await give(1, "second", hourMs);
    expect(of("key")).toBe("second");
  });

  test("is waited for where the old token ends in seconds", async () => {
    const { of, exchanges, give, pass } = setUp();
    const asked = of("key");
    await give(0, "first", hourMs);
    await asked;
    pass(hourMs - 10_000);
    const next = of("key");
    expect(typeof next).toBe("object");
    await give(1, "second", hourMs);
    expect(await next).toBe("second");
    expect(exchanges).toHaveLength(2);
  });

  test("that fails is told to all who wait, rests, and is tried again; the log has the reason without the key", async () => {
    const { of, exchanges, give, refuse, pass, warnings } = setUp();
    const asked = [of("key-of-an-account"), of("key-of-an-account")].map(async (one) => one);
    const heard = Promise.allSettled(asked);
    await refuse(0, new ThroughlineError("upstream_error", "refused: key-of-an-account is not known"));
    for (const result of await heard) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: { code: "upstream_error", message: expect.stringContaining("could not be exchanged") },
      });
      expect(JSON.stringify(result)).not.toContain("not known");
    }
    expect(warnings).toEqual([
      [{ channel: "cloud", reason: "refused: [key] is not known" }, expect.stringContaining("not exchanged")],
    ]);
    await expect(of("key-of-an-account")).rejects.toMatchObject({ code: "upstream_error" });
    expect(exchanges).toHaveLength(1);
    pass(5_000);
    const again = of("key-of-an-account");
    await give(1, "token", hourMs);
    expect(await again).toBe("token");
  });

  test("that fails while the old token holds is not heard of, and is not repeated with every request", async () => {
    const { of, exchanges, give, refuse, pass } = setUp();
    const asked = of("key");
    await give(0, "first", hourMs);
    await asked;
    pass(hourMs - 200_000);
    expect(of("key")).toBe("first");
    await refuse(1, new Error("with the private key in it"));
    expect([of("key"), of("key")]).toEqual(["first", "first"]);
    expect(exchanges).toHaveLength(2);
    pass(5_000);
    expect(of("key")).toBe("first");
    expect(exchanges).toHaveLength(3);
  });
});
