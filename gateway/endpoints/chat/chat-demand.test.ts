import { describe, expect, it } from "vitest";
import type { Reservation, ReserveItem } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { each, startTestGateway } from "../../testing.ts";
import { askedCeiling, worstCase } from "./chat-demand.ts";

const unlimited = { contextWindowTokens: 0n, maxOutputTokens: 0n };

describe("the ceiling of an answer", () => {
  it.each([
    [[undefined, null], 0],
    [[1, 4_000], 4_000],
    [[4_000, 1], 4_000],
    [[undefined, 7], 7],
    [[0, 7], 0],
    [[1e308], 10 ** 15],
  ])("of %j is %d", (fields, ceiling) => {
    expect(askedCeiling(...fields)).toBe(ceiling);
  });

  it("is a number that can be reserved, however many answers are asked for", () => {
    const ask = {
      estimate: { tokens: 1 },
      maxOutputTokens: 10 ** 15,
      maxOutputField: "max_tokens",
      inputField: "messages",
      choices: 128,
    };
    expect(worstCase(ask, unlimited).outputTokens).toBe(10n ** 15n);
  });

  it("is the larger where a chat names two: a client cannot hold for one token and have the other obeyed", async () => {
    const held: bigint[] = [];
    const reserve = each<ReserveItem, Reservation>(({ worstCase }) => {
      held.push(worstCase?.outputTokens ?? 0n);
      return { reservedNanoUsd: 1n };
    });
    await using gateway = await startTestGateway({ billing: { reserve } });
    const messages = [{ role: "user", content: "Hi" }];
    await gateway.call("/v1/chat/completions", { model: "m", messages, max_completion_tokens: 1, max_tokens: 4_000 });
    expect(held).toEqual([4_000n]);
  });
});
