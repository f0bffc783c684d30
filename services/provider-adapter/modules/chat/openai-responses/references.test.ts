import { describe, expect, test } from "vitest";
import { previousHeader, storedHeader } from "../../../../../shared/response-headers.ts";
import { adapters } from "../../../adapters/registry.ts";
import type { Asked, Exchange } from "../../../domain/exchange.ts";

/* What responses refer to, and what they say of their being kept. The gateway has put what is kept into the input. */

const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };
const ways = [
  { way: "translated", flavour: "{}" },
  { way: "passed through", flavour: '{"vendor":"openai"}' },
] as const;

function exchange(flavour: string, body: object, more: Partial<Asked> = {}): Exchange {
  const asked: Asked = {
    ...{ requestId: 42n, model: "m", upstreamModel: "m", control: "", stream: false, includeUsage: true },
    ...{ body: Buffer.from(JSON.stringify({ model: "m", ...body })), headers: {}, createdUnixS: 1, keepResponse: true },
    ...more,
  };
  const made = adapters.openai?.open(flavour).exchanges["openai.responses"]?.(asked);
  if (made === undefined) throw new Error("no exchange");
  return made;
}

const answers = {
  translated: { choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }] },
  "passed through": {
    id: "resp_up",
    object: "response",
    status: "completed",
    output: [],
    previous_response_id: null,
    store: true,
  },
};

describe.each(ways)("$way", ({ way, flavour }) => {
  const user = { role: "user", content: "x" };

  test("thinking of ours that is referred to and not kept is left out, and that is noted", () => {
    const input = [user, { type: "item_reference", id: "rs_977575168878575616_0" }];
    const { message, notes } = exchange(flavour, { input });
    expect(Buffer.from(message.body).toString()).not.toContain("rs_");
    expect(notes).toContainEqual(expect.stringMatching(/^(thinking|reasoning) of earlier turns dropped/));
  });

  test("an answer names the response that it goes on from, whole and streamed", () => {
    const headers = { [previousHeader]: "resp_41", [storedHeader]: "true" };
    const whole = exchange(flavour, { input: [user] }, { headers }).whole(
      Buffer.from(JSON.stringify(answers[way])),
      moments,
    );
    expect(JSON.parse(Buffer.from(whole.body).toString())).toMatchObject({
      previous_response_id: "resp_41",
      store: true,
    });
    const stream = exchange(flavour, { input: [user], stream: true }, { headers, stream: true }).stream();
    const events =
      way === "translated"
        ? [{ id: "c", choices: [{ index: 0, delta: { content: "hi" }, finish_reason: "stop" }] }]
        : ["response.created", "response.completed"].map((type) => ({ type, response: answers[way] }));
    let text = "";
    for (const event of events) {
      text += stream.event({ data: JSON.stringify(event), ...("type" in event ? { event: event.type } : {}) });
    }
    text += stream.end(moments);
    expect(text.match(/"previous_response_id":"resp_41"/g)?.length).toBe(text.match(/"response":/g)?.length);
  });
});

test("other items that are referred to are the client's mistake where the upstream does not keep them", () => {
  const reference = { type: "item_reference", id: "msg_68af0123" };
  expect(() => exchange("{}", { input: [reference] })).toThrow(
    expect.objectContaining({ code: "invalid_value", param: "input[0]" }),
  );
  const passed = exchange('{"vendor":"openai"}', { input: [reference] });
  expect(Buffer.from(passed.message.body).toString()).toContain("msg_68af0123");
});
