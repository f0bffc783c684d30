import { beforeAll, describe, expect, test } from "vitest";
import { statement } from "../../../shared/db/index.ts";
import { type Deployment, eventually } from "../deployment.ts";

/** What is asked again with its Idempotency-Key. */
export function idempotencyTests(given: () => Deployment): void {
  describe("a repeat with its key", () => {
    let house: Deployment;
    beforeAll(() => {
      house = given();
    });

    const charges = statement("idempotency_charges", "select count(*)::int as n from billing.ledger where kind = 1");
    const answers = statement("idempotency_answers", "select count(*)::int as n from billing.answer");
    const count = async (what: typeof charges) => (await house.db.query<{ n: number }>(what, []))[0]?.n ?? 0;
    const chat = (content: string, stream: boolean) => ({
      model: "gpt-4o",
      stream,
      messages: [{ role: "user", content }],
    });

    test.each([false, true])(
      "a repeat with its Idempotency-Key gets the same answer and costs nothing (stream: %s)",
      async (stream) => {
        const headers = { "idempotency-key": `order-${stream}` };
        const [chargedBefore, storedBefore] = [await count(charges), await count(answers)];
        const first = await house.call("/v1/chat/completions", chat("Hello", stream), headers);
        expect(first.status).toBe(200);
        const text = await first.text();
        expect(await count(answers)).toBe(storedBefore + 1);
        const seen = house.simulator.requests.length;

        const repeat = await house.call("/v1/chat/completions", chat("Hello", stream), headers);
        expect(repeat.status).toBe(200);
        expect(repeat.headers.get("idempotent-replayed")).toBe("true");
        expect(repeat.headers.get("content-type")).toBe(first.headers.get("content-type"));
        expect(await repeat.text()).toBe(text);
        expect(repeat.headers.get("request-id")).not.toBe(first.headers.get("request-id"));
        expect(house.simulator.requests).toHaveLength(seen);
        expect(await count(charges)).toBe(chargedBefore + 1);

        const other = await house.call("/v1/chat/completions", chat("Goodbye", stream), headers);
        expect(other.status).toBe(422);
        expect(await other.json()).toMatchObject({ error: { code: "idempotency_mismatch" } });

        const replay = await eventually(async () => {
          const history = await house.call("/bp/ai/ai_request/history/query?page=1&page_size=10");
          const { data } = (await history.json()) as { data: { request_id: string; throughline: object }[] };
          return data.find((row) => row.request_id === repeat.headers.get("request-id"));
        });
        expect(replay.throughline).toMatchObject({ billed_usd: "0", billing_reason: "replayed" });
      },
    );

    const endpoints = [
      ["/v1/chat/completions", { max_tokens: 20 }],
      ["/v1/messages", { max_tokens: 20 }],
      ["/v1/chat/completions", { max_tokens: 20, stream: true }],
      ["/v1/messages", { max_tokens: 20, stream: true }],
    ] as const;

    test.each(endpoints)("a repeat right after the answer is a replay: %s %o", async (path, more) => {
      for (let turn = 0; turn < 10; turn += 1) {
        const body = { model: "gpt-4o-mini", messages: [{ role: "user", content: `Turn ${turn}` }], ...more };
        const headers = { "idempotency-key": `at-once-${path}-${"stream" in more}-${turn}` };
        const first = await house.call(path, body, headers);
        const text = await first.text();
        const repeat = await house.call(path, body, headers);
        expect([repeat.status, repeat.headers.get("idempotent-replayed")]).toEqual([200, "true"]);
        expect(await repeat.text()).toBe(text);
      }
    });

    test("a repeat right after a failure runs anew", async () => {
      for (let turn = 0; turn < 10; turn += 1) {
        const failing = { model: "sim-status-400", messages: [{ role: "user", content: `Turn ${turn}` }] };
        const headers = { "idempotency-key": `fails-${turn}` };
        const first = await house.call("/v1/chat/completions", failing, headers);
        await first.text();
        const repeat = await house.call("/v1/chat/completions", failing, headers);
        expect([first.status, repeat.status]).toEqual([400, 400]);
      }
    });

    test("while the first still runs, a repeat is a conflict; a failed one may run anew", async () => {
      const headers = { "idempotency-key": "slow" };
      const slow = { model: "sim-slow-chunks-30", stream: true, messages: [{ role: "user", content: "Hello" }] };
      const first = await house.call("/v1/chat/completions", slow, headers);
      const repeat = await house.call("/v1/chat/completions", slow, headers);
      expect(repeat.status).toBe(409);
      expect(await repeat.json()).toMatchObject({ error: { code: "idempotency_conflict" } });
      await first.text();

      const failing = { model: "sim-status-500", messages: [{ role: "user", content: "Hello" }] };
      const again = { "idempotency-key": "failing" };
      expect((await house.call("/v1/chat/completions", failing, again)).status).toBe(502);
      expect((await house.call("/v1/chat/completions", failing, again)).status).toBe(502);
    });

    test("a key that is not one is refused by name", async () => {
      const response = await house.call("/v1/chat/completions", chat("Hello", false), { "idempotency-key": "" });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: "invalid_value", param: "Idempotency-Key" } });
    });
  });
}
