import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SettleCase } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { DisconnectPolicy, Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { RecordStatus } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { createSimulator, type Simulator } from "../../simulator/simulator.ts";
import { type Invocation, startTestProvider, type TestProvider } from "../testing-provider.ts";

/*
 * A gateway that dies before it has said that its settlement and record are durable: the provider makes both, of what it
 * passed on. The gateway's lanes are cut as its death cuts them.
 */

const facts = {
  accountId: 5n,
  keyId: 6n,
  userId: "user-7",
  group: "default",
  policy: DisconnectPolicy.CHARGE_DELIVERED,
  model: "gpt-4o",
  createdUnixUs: 1_700_000_000_000_000n,
  reservedNanoUsd: 9n,
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
};

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator({});
});
afterAll(() => simulator?.close());

/** A provider over the simulator. */
function start(): Promise<TestProvider> {
  return startTestProvider(
    { sim: { adapter: "openai", baseUrl: `${simulator.url}/v1` } },
    { config: { lostGatewayHeadStartMs: 1 } },
  );
}

function chat(model: string, stream: boolean, more: Partial<Invocation> = {}): Invocation {
  return {
    dialect: "openai.chat",
    body: { model, stream, messages: [{ role: "user", content: "Hello" }] },
    candidates: [{ channel: "sim", model }],
    facts,
    onOutcome: "owes",
    ...more,
  };
}

describe("a gateway that is lost", () => {
  it.each([false, true])("(stream: %s) is charged for every unit, in the tier that was served", async (stream) => {
    await using provider = await start();
    const { outcome } = await provider.invoke(chat("sim-audio-50+searches-2+cost-1500+flex", stream));
    await provider.loseGateway();
    await vi.waitFor(() => expect(provider.recorded).toHaveLength(1));
    expect(outcome.usage?.more.map(({ unit }) => unit)).toEqual([
      ...[Unit.INPUT_AUDIO_TOKENS, Unit.OUTPUT_AUDIO_TOKENS, Unit.WEB_SEARCHES, Unit.VENDOR_NANO_USD],
    ]);
    const { more, traits } = outcome.usage ?? {};
    expect(provider.settled).toMatchObject([{ usage: { more, traits: { service_tier: "flex" } } }]);
    expect(provider.recorded).toMatchObject([{ usage: { more, traits } }]);
  });

  it.each([false, true])(
    "after a whole answer (stream: %s) leaves it to the provider, which charges it",
    async (stream) => {
      await using provider = await start();
      const { outcome } = await provider.invoke(chat("gpt-4o", stream));
      await provider.loseGateway();
      await vi.waitFor(() => expect(provider.recorded).toHaveLength(1));
      expect(provider.settled).toMatchObject([
        {
          case: SettleCase.SUCCEEDED,
          accountId: 5n,
          usage: { outputTokens: outcome.usage?.outputTokens },
          facts: { keyId: 6n },
        },
      ]);
      expect(provider.recorded).toMatchObject([
        {
          status: RecordStatus.SUCCEEDED,
          reconstructed: true,
          httpStatus: 200,
          accountId: 5n,
          userId: "user-7",
          model: "gpt-4o",
          billedNanoUsd: 7n,
          billingReason: "told by billing",
          messageId: outcome.messageId,
          detail: {
            traceId: facts.traceId,
            attempts: [{ httpStatus: 200 }],
            notes: [expect.stringContaining("was lost")],
          },
        },
      ]);
      const document = Buffer.from(provider.recorded[0]?.response ?? []).toString();
      expect(JSON.parse(document)).toMatchObject({ choices: [{ message: { role: "assistant" } }] });
    },
  );

  it("and had acknowledged leaves nothing to do", async () => {
    await using provider = await start();
    await provider.invoke(chat("gpt-4o", false, { onOutcome: "acknowledges" }));
    await provider.invoke(chat("gpt-4o", false));
    await provider.loseGateway();
    await vi.waitFor(() => expect(provider.recorded).toHaveLength(1));
    expect(provider.settled).toHaveLength(1);
  });

  it.each([
    [DisconnectPolicy.CHARGE_DELIVERED, DisconnectPolicy.CHARGE_DELIVERED],
    [DisconnectPolicy.REFUND, DisconnectPolicy.REFUND],
    // Nobody is left to read on for.
    [DisconnectPolicy.DRAIN, DisconnectPolicy.CHARGE_DELIVERED],
  ])("in the middle of a stream counts as a client that left, by policy %s", async (policy, charged) => {
    await using provider = await start();
    const begun = Promise.withResolvers<void>();
    const onFrame = () => begun.resolve();
    const running = provider.invoke(chat("sim-slow-chunks-20", true, { facts: { ...facts, policy }, onFrame }));
    running.catch(() => undefined);
    await begun.promise;
    await provider.loseGateway();
    await vi.waitFor(() => expect(provider.recorded).toHaveLength(1));
    expect(provider.settled).toMatchObject([{ case: SettleCase.DISCONNECTED, policy: charged }]);
    expect(provider.settled[0]?.usage?.outputTokens).toBeGreaterThan(0n);
    expect(provider.recorded).toMatchObject([
      { status: RecordStatus.FAILED, errorCode: "interrupted", policy, detail: { attempts: [{ channel: "sim" }] } },
    ]);
  });

  it("before the first byte costs nothing", async () => {
    await using provider = await start();
    const asked = provider.invoke(chat("sim-slow-first-token-5000", true));
    asked.catch(() => undefined);
    await vi.waitFor(() => expect(simulator.open).toBeGreaterThan(0));
    await provider.loseGateway();
    await vi.waitFor(() => expect(provider.recorded).toHaveLength(1));
    expect(provider.settled).toMatchObject([{ case: SettleCase.FAILED }]);
    expect(provider.recorded).toMatchObject([{ status: RecordStatus.FAILED, errorCode: "interrupted" }]);
  });

  it("after an error is recorded with that error", async () => {
    await using provider = await start();
    await provider.invoke(chat("sim-status-500", false));
    await provider.loseGateway();
    await vi.waitFor(() => expect(provider.recorded).toHaveLength(1));
    expect(provider.settled).toMatchObject([{ case: SettleCase.FAILED, facts: { errorCode: "upstream_error" } }]);
    expect(provider.recorded).toMatchObject([
      { status: RecordStatus.FAILED, errorCode: "upstream_error", httpStatus: 502 },
    ]);
  });
});
