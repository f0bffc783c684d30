import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { statement } from "../../../shared/db/index.ts";
import { estimateTextTokens } from "../../../shared/estimate/text.ts";
import { parseUsd } from "../../../shared/money/usd.ts";
import { type Admin, administer, adminKey, type Customer, expectSoundBooks, openCustomer } from "../administration.ts";
import { type Deployment, eventually } from "../deployment.ts";

/** Clients that leave and upstreams that fail, under each policy. */
export function policiesTests(given: () => Deployment): void {
  describe("what is charged of an answer that breaks off", () => {
    /*
     * The written policy of docs/billing.md, row by row, as a client meets it: what is charged when a client leaves, when an
     * upstream fails before or after the first token, and when it does not say what was used.
     */

    const policies = ["charge_delivered", "drain", "refund"] as const;
    type Policy = (typeof policies)[number];
    const tokens = 40;
    /** Forty tokens at 15 ms: time enough to leave in the middle, and soon over for who reads on. */
    const slowModel = `sim-tokens-${tokens}+slow-chunks-15`;
    const chat = (model: string, more: object = {}) => ({
      model,
      messages: [{ role: "user", content: "How does a ledger stay right?" }],
      ...more,
    });

    interface Life {
      status: string;
      error: { code: string } | null;
      usage: { input_tokens: number; output_tokens: number; estimated: boolean };
      billing: { reserved_usd: string; billed_usd: string; reason: string; policy: string };
    }
    interface Entry {
      kind: number;
      amount: bigint;
      reserved: bigint;
      reason: string;
      estimated: boolean;
    }

    const ledgerOf = statement(
      "policies_ledger",
      "select kind, amount, reserved, reason, estimated from billing.ledger where entry_id = $1",
    );

    let house: Deployment;
    let admin: Admin;
    const customers = new Map<Policy, Customer>();
    beforeAll(async () => {
      house = given();
      admin = administer(house);
      for (const policy of policies) {
        customers.set(policy, await openCustomer(admin, { account: { disconnect_policy: policy } }));
      }
    }, 60_000);

    function headersOf(policy: Policy): Readonly<Record<string, string>> {
      const customer = customers.get(policy);
      if (customer === undefined) throw new Error(`no customer with ${policy}`);
      return customer.headers;
    }

    /** The terminal record of a request, checked against its one ledger entry: both tell the same story. */
    async function lifeOf(policy: Policy, id: string): Promise<Life> {
      const life = await eventually(async () => {
        const response = await house.call(`/v1/requests/${id}`, undefined, headersOf(policy));
        const found = response.ok ? ((await response.json()) as Life) : undefined;
        return found?.status === "succeeded" || found?.status === "failed" ? found : undefined;
      });
      const entries = await house.db.query<Entry>(ledgerOf, [BigInt(id)]);
      expect(entries).toEqual([
        {
          kind: life.billing.billed_usd === "0" ? 2 : 1,
          amount: -parseUsd(life.billing.billed_usd),
          reserved: parseUsd(life.billing.reserved_usd),
          reason: life.billing.reason,
          estimated: life.usage.estimated,
        },
      ]);
      expect(parseUsd(life.billing.reserved_usd)).toBeGreaterThan(0n);
      expect(life.billing.policy).toBe(policy);
      return life;
    }

    interface Left {
      readonly id: string;
      /** The text that had come when the client left. */
      readonly said: string;
    }

    /** Reads so many events of a stream, then leaves. */
    async function leaveAfter(policy: Policy, model: string, events: number): Promise<Left> {
      const leaving = new AbortController();
      const body = chat(model, { stream: true });
      const response = await house.call("/v1/chat/completions", body, headersOf(policy), leaving.signal);
      expect(response.status).toBe(200);
      let text = "";
      for await (const part of response.body ?? []) {
        text += Buffer.from(part).toString();
        if (text.split("\n\n").length > events) break;
      }
      leaving.abort();
      const deltas = text
        .split("\n\n")
        .slice(0, -1)
        .map((event) => {
          const chunk = JSON.parse(event.slice(6)) as { choices: { delta?: { content?: string } }[] };
          return chunk.choices[0]?.delta?.content ?? "";
        });
      return { id: response.headers.get("request-id") ?? "", said: deltas.join("") };
    }

    function upstreamRequest(id: string) {
      return house.simulator.requests.find((request) => request.clientRequestId === id);
    }

    interface Completion {
      choices: { message: { content: string } }[];
      usage: { prompt_tokens: number; completion_tokens: number };
    }

    /** What the upstream itself answers to this conversation, asked directly. */
    async function upstreamAnswer(model: string): Promise<Completion> {
      const response = await fetch(`${house.simulator.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer direct" },
        body: JSON.stringify(chat(model)),
      });
      return (await response.json()) as Completion;
    }

    describe("a client that leaves in the middle of a stream", () => {
      test("charge_delivered: pays what it was given, and the upstream stops", async () => {
        const { id, said } = await leaveAfter("charge_delivered", slowModel, 8);
        const closed = await house.simulator.nextClose(id);
        expect(closed.finishedAtMs).toBe(0);
        const life = await lifeOf("charge_delivered", id);
        expect(life).toMatchObject({ status: "failed", error: { code: "client_closed_request" } });
        expect(life.billing.reason).toBe("disconnect_delivered");
        expect(life.usage.estimated).toBe(true);
        expect(life.usage.input_tokens).toBeGreaterThan(0);
        // Some events more than the client read may have been on their way; never the whole answer.
        const whole = (await upstreamAnswer(`sim-tokens-${tokens}`)).choices[0]?.message.content ?? "";
        expect(whole.startsWith(said)).toBe(true);
        expect(life.usage.output_tokens).toBeGreaterThanOrEqual(estimateTextTokens(said));
        expect(life.usage.output_tokens).toBeLessThan(estimateTextTokens(whole));
        const billed = parseUsd(life.billing.billed_usd);
        expect(billed).toBeGreaterThan(0n);
        expect(billed).toBeLessThan(parseUsd(life.billing.reserved_usd));
      });

      test("charge_delivered: who leaves earlier pays less", async () => {
        const early = await leaveAfter("charge_delivered", slowModel, 4);
        const late = await leaveAfter("charge_delivered", slowModel, 30);
        const [earlyLife, lateLife] = [
          await lifeOf("charge_delivered", early.id),
          await lifeOf("charge_delivered", late.id),
        ];
        expect(earlyLife.usage.output_tokens).toBeLessThan(lateLife.usage.output_tokens);
        expect(parseUsd(earlyLife.billing.billed_usd)).toBeLessThan(parseUsd(lateLife.billing.billed_usd));
      });

      test("drain: the upstream is read to its end, and what it counted is charged", async () => {
        const { id } = await leaveAfter("drain", slowModel, 4);
        const life = await lifeOf("drain", id);
        const { usage: counted } = await upstreamAnswer(slowModel);
        expect(counted.completion_tokens).toBe(tokens);
        expect(upstreamRequest(id)).toMatchObject({ clientClosedAtMs: 0 });
        expect(upstreamRequest(id)?.finishedAtMs).toBeGreaterThan(0);
        expect(life).toMatchObject({ status: "failed", error: { code: "client_closed_request" } });
        expect(life.billing.reason).toBe("disconnect_drained");
        expect(life.usage).toMatchObject({
          input_tokens: counted.prompt_tokens,
          output_tokens: counted.completion_tokens,
          estimated: false,
        });
        // The same conversation read to its end costs the same.
        const whole = await house.call("/v1/chat/completions", chat(slowModel, { stream: true }), headersOf("drain"));
        await whole.text();
        const wholeLife = await lifeOf("drain", whole.headers.get("request-id") ?? "");
        expect(wholeLife.billing.reason).toBe("usage");
        expect(life.billing.billed_usd).toBe(wholeLife.billing.billed_usd);
      });

      test("refund: nothing is charged, and the upstream stops", async () => {
        const { id } = await leaveAfter("refund", slowModel, 4);
        expect((await house.simulator.nextClose(id)).finishedAtMs).toBe(0);
        const life = await lifeOf("refund", id);
        expect(life).toMatchObject({ status: "failed", error: { code: "client_closed_request" } });
        expect(life.billing).toMatchObject({ reason: "disconnect_refunded", billed_usd: "0" });
      });

      test.each(policies)("before the first byte nothing is charged: %s", async (policy) => {
        const leaving = new AbortController();
        const before = house.simulator.requests.length;
        const call = house
          .call("/v1/chat/completions", chat("sim-hang-headers", { stream: true }), headersOf(policy), leaving.signal)
          .catch(() => undefined);
        const id = await eventually(() => house.simulator.requests[before]?.clientRequestId);
        leaving.abort();
        await call;
        // Also with drain: there is nobody and nothing to wait for.
        await house.simulator.nextClose(id);
        const life = await lifeOf(policy, id);
        expect(life).toMatchObject({ status: "failed", error: { code: "client_closed_request" } });
        expect(life.billing).toMatchObject({ reason: "failed_before_first_token", billed_usd: "0" });
      });
    });

    describe("an upstream that fails", () => {
      test.each([
        ["sim-status-500", 502],
        ["sim-status-529", 529],
        ["sim-drop-headers", 502],
        ["sim-empty-body", 502],
        ["sim-error-in-200", 502],
      ])("before the first token costs nothing: %s", async (model, status) => {
        for (const policy of policies) {
          for (const stream of [false, true]) {
            const response = await house.call("/v1/chat/completions", chat(model, { stream }), headersOf(policy));
            expect(response.status, `${policy}, stream: ${stream}`).toBe(status);
            const life = await lifeOf(policy, response.headers.get("request-id") ?? "");
            expect(life.status).toBe("failed");
            expect(life.billing).toMatchObject({ reason: "failed_before_first_token", billed_usd: "0" });
          }
        }
      });

      test.each(["sim-drop-stream", "sim-error-in-stream"])(
        "after the first token costs what was delivered, whatever the policy: %s",
        async (model) => {
          for (const policy of policies) {
            const response = await house.call("/v1/chat/completions", chat(model, { stream: true }), headersOf(policy));
            expect(response.status).toBe(200);
            expect(await response.text()).not.toContain("[DONE]");
            const life = await lifeOf(policy, response.headers.get("request-id") ?? "");
            expect(life.status).toBe("failed");
            expect(life.billing.reason).toBe("broken_delivered");
            expect(life.usage.estimated).toBe(true);
            expect(parseUsd(life.billing.billed_usd)).toBeGreaterThan(0n);
          }
        },
      );
    });

    describe("an upstream that does not say what was used", () => {
      test.each([false, true])("is charged by what was delivered, marked estimated (stream: %s)", async (stream) => {
        const response = await house.call(
          "/v1/chat/completions",
          chat("sim-no-usage", { stream }),
          headersOf("refund"),
        );
        expect(response.status).toBe(200);
        await response.text();
        const life = await lifeOf("refund", response.headers.get("request-id") ?? "");
        expect(life.status).toBe("succeeded");
        expect(life.billing.reason).toBe("usage");
        expect(life.usage.estimated).toBe(true);
        // The estimate is near what the upstream would have said: within a factor of two either way.
        const { usage: counted } = await upstreamAnswer("gpt-4o");
        expect(life.usage.output_tokens).toBeGreaterThan(counted.completion_tokens / 2);
        expect(life.usage.output_tokens).toBeLessThan(counted.completion_tokens * 2);
        expect(parseUsd(life.billing.billed_usd)).toBeGreaterThan(0n);
      });
    });

    test("in the end the books are right, and `throughline audit` says so", async () => {
      await expectSoundBooks(house);
      const root = fileURLToPath(new URL("../../..", import.meta.url));
      const { stdout } = await promisify(execFile)(`${root}node_modules/.bin/node`, [`${root}cli/main.ts`, "audit"], {
        env: { PATH: process.env.PATH ?? "", THROUGHLINE_URL: house.url, THROUGHLINE_ADMIN_KEY: adminKey },
      });
      expect(stdout).toContain("The ledger is sound.");
      expect(stdout).not.toContain("FAILED");
    });
  });
}
