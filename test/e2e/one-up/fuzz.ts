import { Agent, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorCodes } from "../../../shared/errors/catalogue.ts";
import { type Admin, administer, type Customer, expectSoundBooks, openCustomer } from "../administration.ts";
import type { Deployment } from "../deployment.ts";

/** Hundreds of requests with odd keys, headers and amounts. */
export function fuzzTests(given: () => Deployment): void {
  describe("odd requests", () => {
    /*
     * Hundreds of requests with odd keys, headers and amounts, at the edge of the whole product: each gets an answer or an
     * error of the catalogue that is the client's, with its ID; afterwards the books are sound. RUNS: how many batches of 35
     * requests there are (15); SEED: what they are made from, so that another number sends others.
     */

    const runs = Number(process.env.RUNS ?? 15);
    const seed = Number(process.env.SEED ?? 5);

    /** Errors that are not the client's doing. */
    const ours = ["internal_error", "interrupted", "service_unavailable", "upstream_timeout", "upstream_error"];
    const clientCodes = errorCodes.filter((code) => !ours.includes(code));

    const agent = new Agent({ keepAlive: true, maxSockets: 32 });
    let house: Deployment;
    let admin: Admin;
    let customer: Customer;
    beforeAll(async () => {
      house = given();
      admin = administer(house);
      customer = await openCustomer(admin, { creditUsd: "1000" });
    }, 60_000);
    afterAll(() => agent.destroy());

    /** Whatever HTTP lets through in the value of a header. */
    const fieldValue = fc
      .string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((unit) => String.fromCharCode(unit)), maxLength: 40 })
      .map((value) => value.replaceAll("\u007f", ""));
    const odd = fc.oneof(
      fieldValue,
      fc.integer().map(String),
      fc.constantFrom("", " ", "0", "-1", "1e9", "null", "a,b", "%00"),
    );
    const key = fc.oneof(
      fieldValue,
      fieldValue.map((value) => `Bearer ${value}`),
      fieldValue.map((value) => `Bearer tl-${value}`),
      fc.constantFrom("Bearer", "Basic YTpi", `Bearer ${"x".repeat(5_000)}`),
    );
    /** Each field may spoil a request, few do. */
    const seldom = <T, U>(usual: T, what: fc.Arbitrary<U>) =>
      fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: what });
    const headers: fc.Arbitrary<Record<string, string>> = fc.record(
      {
        authorization: key,
        "x-api-key": odd,
        "idempotency-key": odd,
        "x-request-id": odd,
        "request-id": odd,
        traceparent: fc.oneof(odd, fc.constant("00-00000000000000000000000000000000-0000000000000000-01")),
        tracestate: odd,
        baggage: odd,
        "content-type": seldom("application/json", fc.oneof(odd, fc.constant("application/json; charset=utf-16"))),
        accept: odd,
        "anthropic-version": odd,
        "anthropic-beta": odd,
        "x-forwarded-for": odd,
        cookie: odd,
      },
      { requiredKeys: [] },
    );

    const amount = fc.oneof(
      fc.nat(2_000),
      fc.integer(),
      fc.double(),
      fc.maxSafeInteger(),
      fc.constantFrom(0, -0, -1, 1.5, 1e308, 2 ** 31, 2 ** 32, 2 ** 53, "1", "", null, true, [], {}),
    );
    const body = fc.record({
      model: fc.constant("gpt-4o"),
      messages: fc.constant([{ role: "user", content: "Hello" }]),
      input: fc.constant("Hello"),
      max_tokens: seldom(20, amount),
      max_completion_tokens: seldom(undefined, amount),
      max_output_tokens: seldom(undefined, amount),
      n: seldom(1, amount),
      temperature: seldom(undefined, amount),
    });
    /** Half of the requests come with a key that is good, so that the rest of them is looked at too. */
    const ask = fc.record({
      path: fc.constantFrom("/v1/chat/completions", "/v1/messages", "/v1/responses"),
      headers: fc
        .tuple(headers, fc.boolean())
        .map(([given, good]) => (good ? { ...given, ...customer.headers } : given)),
      body,
    });

    async function send(path: string, given: Readonly<Record<string, string>>, content: string) {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const outgoing = request(house.url + path, {
          method: "POST",
          agent,
          headers: { "content-type": "application/json", ...given, "content-length": Buffer.byteLength(content) },
        });
        outgoing.on("response", resolve).on("error", reject);
        outgoing.end(content);
      });
      return { status: response.statusCode ?? 0, id: response.headers["request-id"], said: await text(response) };
    }

    test(
      "keys, headers and amounts of any kind give an answer or an error of the catalogue",
      async () => {
        const seen = new Map<string, number>();
        await fc.assert(
          fc.asyncProperty(fc.array(ask, { minLength: 30, maxLength: 40 }), async (batch) => {
            await Promise.all(
              batch.map(async (given) => {
                const { status, id, said } = await send(given.path, given.headers, JSON.stringify(given.body));
                expect(id).toMatch(/^\d+$/);
                if (status === 200) {
                  seen.set("answered", (seen.get("answered") ?? 0) + 1);
                  return;
                }
                const { error } = JSON.parse(said) as { error: { code: string; request_id: string; message: string } };
                seen.set(error.code, (seen.get(error.code) ?? 0) + 1);
                expect(clientCodes).toContain(error.code);
                expect(error.request_id).toBe(id);
                expect(said).not.toContain(customer.secret);
              }),
            );
          }),
          { numRuns: runs, seed },
        );
        // Behind the door, too.
        for (const code of ["answered", "invalid_api_key", "invalid_value"])
          expect(seen.get(code), code).toBeGreaterThan(50);
        await expectSoundBooks(house);
        expect(house.logs.filter(({ level }) => level === "error")).toEqual([]);
      },
      60_000 + runs * 1_000,
    );

    test("amounts of credit of any kind are entered to the nano-dollar or refused", async () => {
      const text = fc.oneof(
        fc.string({ maxLength: 30 }),
        fc.integer({ min: -5, max: 1_000 }).map(String),
        fc.tuple(fc.nat(1_000), fc.nat(999_999_999)).map(([usd, nano]) => `${usd}.${String(nano).padStart(9, "0")}`),
        fc.double().map(String),
      );
      const { accountId } = await openCustomer(admin, { creditUsd: "0" });
      let sum = 0n;
      await fc.assert(
        fc.asyncProperty(fc.array(text, { minLength: 20, maxLength: 20 }), async (amounts) => {
          await Promise.all(
            amounts.map(async (amountUsd) => {
              try {
                await admin.credits.add.mutate({ account_id: accountId, amount_usd: amountUsd, reason: "fuzz" });
                const [whole = "", part = ""] = amountUsd.trim().split(".");
                sum += BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, "0"));
              } catch (error) {
                expect(error).toMatchObject({ data: { code: "invalid_value" } });
              }
            }),
          );
        }),
        { numRuns: runs, seed },
      );
      expect(sum).toBeGreaterThan(0n);
      const { balance_usd: balanceUsd } = await admin.accounts.get.query({ account_id: accountId });
      const [whole = "", part = ""] = balanceUsd.split(".");
      expect(BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, "0"))).toBe(sum);
      await expectSoundBooks(house);
    }, 60_000);
  });
}
