import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createSimulator, type Simulator } from "../../../../simulator/simulator.ts";
import { adapters } from "../../../adapters/registry.ts";
import type { Asked, Exchange } from "../../../domain/exchange.ts";
import { startTestProvider, type TestProvider } from "../../../testing-provider.ts";
import { createEventFeed } from "../../../wire/event-feed.ts";

/* An upstream that speaks responses itself: what is golden of the translations serves as what a vendor streams. */

const golden = join(import.meta.dirname, "../golden/out");
const recorded = readdirSync(golden)
  .filter((name) => name.startsWith("openai.responses--"))
  .flatMap((folder) =>
    readdirSync(join(golden, folder))
      .filter((file) => file.endsWith(".sse"))
      .map((file) => readFileSync(join(golden, folder, file), "utf8")),
  );
const vendorId = "resp_767212140985061376";
const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };

function exchange(body: object = { model: "m", input: "x" }, more: Partial<Asked> = {}): Exchange {
  const make = adapters.openai?.open('{"responses":true}').exchanges["openai.responses"];
  if (make === undefined) throw new Error("responses are not served");
  return make({
    requestId: 42n,
    model: "m",
    upstreamModel: "gpt-5",
    control: "",
    stream: true,
    includeUsage: true,
    body: Buffer.from(JSON.stringify(body)),
    headers: {},
    createdUnixS: 1,
    keepResponse: true,
    ...more,
  });
}

function passed(pieces: readonly Uint8Array[]) {
  const stream = exchange().stream();
  let text = "";
  const feed = createEventFeed((event) => {
    text += stream.event(event);
  });
  for (const piece of pieces) feed.feed(piece);
  feed.end();
  text += stream.end(moments);
  return { text, stream };
}

test("an error inside a 200 is one, and so is an answer without output", () => {
  for (const text of ['{"error":{"message":"no"}}', '{"error":"no"}', '{"detail":"no"}']) {
    const read = () => exchange().whole(Buffer.from(text), moments);
    expect(read).toThrow(expect.objectContaining({ code: "upstream_error" }));
  }
});

describe("streams", () => {
  test("go on as they come but for the response's ID, however they are cut", () => {
    expect(recorded.length).toBeGreaterThan(10);
    fc.assert(
      fc.property(
        fc.constantFrom(...recorded),
        fc.constantFrom("\n", "\r\n"),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }),
        (text, ending, cuts) => {
          const bytes = Buffer.from(text.replaceAll("\n", ending));
          const places = cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b);
          const pieces = [0, ...places].map((at, index) => bytes.subarray(at, places[index] ?? bytes.length));
          expect(passed(pieces).text).toBe(text.replaceAll(`"id":"${vendorId}"`, '"id":"resp_42"'));
        },
      ),
    );
  });

  test("are parsed three times, whatever their length", () => {
    const delta = (index: number) =>
      `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":${index},"item_id":"i","output_index":0,"content_index":0,"delta":"x"}\n\n`;
    const frame = (name: string) =>
      `event: response.${name}\ndata: {"type":"response.${name}","sequence_number":0,"response":{"id":"a","status":"${name}","model":"gpt-5"}}\n\n`;
    const text = frame("created") + frame("in_progress") + Array.from({ length: 50 }, (_, at) => delta(at)).join("");
    const parse = vi.spyOn(JSON, "parse");
    try {
      const stream = exchange().stream();
      parse.mockClear();
      const feed = createEventFeed((event) => void stream.event(event));
      feed.feed(Buffer.from(text + frame("completed")));
      expect(parse).toHaveBeenCalledTimes(3);
    } finally {
      parse.mockRestore();
    }
  });

  test("say what was used, and are kept as the vendor's last word", () => {
    for (const text of recorded) {
      const { stream } = passed([Buffer.from(text)]);
      const document = JSON.parse(Buffer.from(stream.document(moments).body).toString());
      expect(stream.isComplete()).toBe(true);
      expect(document.id).toBe("resp_42");
      const { usage, finishReason, responseModel } = stream.facts();
      expect(usage.estimated).toBe(false);
      expect(Number(usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteTokens)).toBe(
        document.usage.input_tokens,
      );
      expect(Number(usage.outputTokens + usage.reasoningTokens)).toBe(document.usage.output_tokens);
      expect(finishReason).toBe(document.incomplete_details?.reason ?? document.status);
      expect(responseModel).toBe(document.model);
    }
  });

  test("that break off are kept and counted as far as they came", () => {
    const text = recorded.find((one) => one.includes("Let me see.")) ?? "";
    const { stream } = passed([Buffer.from(text.slice(0, text.indexOf("event: response.completed")))]);
    expect(stream.isComplete()).toBe(false);
    expect(stream.facts()).toMatchObject({ usage: { estimated: true }, finishReason: "", messageId: "resp_42" });
    expect(Number(stream.facts().usage.outputTokens)).toBeGreaterThan(3);
    expect(stream.contentChunks()).toBeGreaterThan(1);
    expect(Buffer.from(stream.document(moments).body).toString()).toContain("Let me see.");
  });

  test("that fail are failures", () => {
    const failing = (text: string) => () => passed([Buffer.from(text)]);
    expect(
      failing('event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"slow down"}\n\n'),
    ).toThrow(expect.objectContaining({ code: "upstream_overloaded" }));
    expect(
      failing(
        'event: response.failed\ndata: {"type":"response.failed","response":{"id":"a","error":{"code":"server_error","message":"no"}}}\n\n',
      ),
    ).toThrow(expect.objectContaining({ code: "upstream_error" }));
    expect(failing('event: response.output_text.delta\ndata: {"type":"response.out\n\n')).toThrow(
      expect.objectContaining({ code: "upstream_error" }),
    );
  });
});

describe("requests", () => {
  const sent = (body: object, control = "") => {
    const { message, notes } = exchange(body, { control });
    return { body: JSON.parse(Buffer.from(message.body).toString()), path: message.path, notes };
  };

  test("go on as they are but for the model", () => {
    const body = { model: "m", input: "x", store: true, tools: [{ type: "code_interpreter" }], something: { new: 1 } };
    expect(sent(body)).toEqual({ path: "/responses", body: { ...body, model: "gpt-5" }, notes: [] });
  });

  test.each([
    ["high", {}, { reasoning: { effort: "high" } }],
    ["low", { reasoning: { summary: "auto" } }, { reasoning: { summary: "auto", effort: "low" } }],
    ["thinking", {}, { reasoning: { effort: "high" } }],
    ["nothinking", {}, { reasoning: { effort: "none" } }],
    ["search", {}, { tools: [{ type: "web_search", search_context_size: "medium" }] }],
    ["search", { tools: [{ type: "web_search" }] }, { tools: [{ type: "web_search" }] }],
  ])("a control %s on %o gives %o", (control, given, changed) => {
    expect(sent({ model: "m", input: "x", ...given }, control).body).toEqual({
      model: "gpt-5",
      input: "x",
      ...given,
      ...changed,
    });
  });

  test("reasoning that another vendor made is not sent: the upstream knows neither its cipher nor its ID", () => {
    const ask = { role: "user", content: "x" };
    const say = { type: "message", id: "msg_41_1", role: "assistant", content: [{ type: "output_text", text: "y" }] };
    const reasoning = (id: string, encrypted_content?: string) => ({
      type: "reasoning",
      id,
      summary: [{ type: "summary_text", text: "t" }],
      ...(encrypted_content === undefined ? {} : { encrypted_content }),
    });
    const foreign = [
      reasoning("rs_41_0", "tl1~anthropic.messages~EqkBCg=="),
      reasoning("rs_41_1", "redacted~tl1~anthropic.messages~EqkBCg=="),
      reasoning("rs_41_2", "call~tl1~gemini~Y2Fs"),
      reasoning("rs_41_3"),
    ];
    const { body, notes } = sent({ model: "m", input: [ask, ...foreign, say, ask] });
    expect(body.input).toEqual([ask, say, ask]);
    expect(notes).toEqual(["reasoning of earlier turns dropped: this vendor did not make it"]);
    const own = [reasoning("rs_68af4030baa48193b0b43b4c2a176a1a", "gAAAAABo"), reasoning("rs_68af4030baa48193b0b4")];
    expect(sent({ model: "m", input: [ask, ...own, say, ask] })).toMatchObject({
      body: { input: [ask, ...own, say, ask] },
      notes: [],
    });
  });

  test.each(["previous_response_id", "conversation"])("%s is refused: the ID is ours", (field) => {
    expect(() => sent({ model: "m", input: "x", [field]: "resp_1" })).toThrow(
      expect.objectContaining({ param: field }),
    );
    expect(sent({ model: "m", input: "x", [field]: null }).path).toBe("/responses");
  });
});

describe("over a socket", () => {
  let simulator: Simulator;
  let provider: TestProvider;
  beforeAll(async () => {
    simulator = await createSimulator({});
    provider = await startTestProvider({
      upstream: { adapter: "openai", baseUrl: `${simulator.url}/v1`, flavour: { responses: true } },
    });
  });
  afterAll(async () => {
    await provider[Symbol.asyncDispose]();
    await simulator.close();
  });
  const ask = (model: string, stream: boolean) =>
    provider.invoke({
      dialect: "openai.responses",
      body: { model: "m", input: "Hello", stream },
      candidates: [{ channel: "upstream", model }],
    });

  test.each([
    ["sim-no-usage", false],
    ["sim-no-usage", true],
  ])("%s (streamed: %s) is counted here", async (model, stream) => {
    const { outcome, error } = await ask(model, stream);
    expect(error).toBeUndefined();
    expect(outcome.usage?.estimated).toBe(true);
    expect(Number(outcome.usage?.outputTokens)).toBeGreaterThan(0);
  });

  test.each([
    ["sim-status-400", false, "invalid_value"],
    ["sim-context-length", true, "context_length_exceeded"],
    ["sim-error-in-200", false, "upstream_error"],
    ["sim-error-in-stream", true, "upstream_error"],
    ["sim-malformed-chunk", true, "upstream_error"],
    ["sim-drop-stream", true, "upstream_error"],
  ])("%s (streamed: %s) is %s", async (model, stream, code) => {
    expect((await ask(model, stream)).error?.code).toBe(code);
  });

  test("an answer that was cut says so on the record", async () => {
    const { outcome } = await provider.invoke({
      dialect: "openai.responses",
      body: { model: "m", input: "Hello", max_output_tokens: 16, stream: true },
      candidates: [{ channel: "upstream", model: "sim-tokens-40" }],
    });
    expect(outcome.finishReason).toBe("max_output_tokens");
  });
});
