import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BillableUsage, noUsage } from "../../../../shared/money/usage.ts";
import { geminiFormat } from "../../adapters/gemini/chat/index.ts";
import { readFlavour as readGeminiFlavour } from "../../adapters/gemini/flavour.ts";
import { chatCompletionsFormat } from "../../adapters/openai/chat/index.ts";
import { readFlavour } from "../../adapters/openai/flavour.ts";
import type { Asked } from "../../domain/exchange.ts";
import { createEventFeed } from "../../wire/event-feed.ts";
import { messagesDialect } from "./anthropic-messages/dialect.ts";
import { readMessage } from "./anthropic-messages/read-answer.ts";
import { readMessageStream } from "./anthropic-messages/read-stream.ts";
import { geminiDialect } from "./gemini/dialect.ts";
import type { AnswerPart, Finish, NeutralAnswer } from "./neutral/answer.ts";
import type { NeutralEvent } from "./neutral/events.ts";
import { createAnswerFold } from "./neutral/fold.ts";
import type { AnswerEnd, ClientDialect, UpstreamExchange } from "./neutral/formats.ts";
import { usageOf } from "./neutral/usage.ts";
import { chatDialect } from "./openai-chat/dialect.ts";

/*
 * A format that clients and upstreams both speak is written and read by different code. Whatever is written for a client
 * must mean the same when it is read as an upstream's: any answer, whole or as any sequence of steps.
 */

const fail = () => {
  throw new Error("the stream says that it failed");
};
const unused = () => fail();

interface Side {
  readonly name: string;
  readonly dialect: ClientDialect;
  readonly upstream: UpstreamExchange;
  /** Absent: it tells what was written to a cache apart from the rest of the input. */
  readonly joinsWritten?: true;
}

const sides: readonly Side[] = [
  {
    name: "openai.chat",
    dialect: chatDialect,
    upstream: chatCompletionsFormat(readFlavour("").of).open({ upstreamModel: "m" }),
  },
  {
    name: "anthropic.messages",
    dialect: messagesDialect,
    upstream: { write: unused, read: (body) => readMessage(body, fail), stream: () => readMessageStream(fail) },
  },
  {
    name: "gemini",
    dialect: geminiDialect,
    upstream: geminiFormat(readGeminiFlavour("")).open({ upstreamModel: "gemini-3.5-flash" }),
    joinsWritten: true,
  },
];

const asked: Asked = {
  requestId: 7n,
  model: "m",
  upstreamModel: "m",
  control: "",
  stream: true,
  includeUsage: true,
  body: Buffer.from(JSON.stringify({ model: "m", max_tokens: 9, messages: [{ role: "user", content: "x" }] })),
  headers: {},
  createdUnixS: 1,
  keepResponse: true,
};
const head = { id: "id", createdUnixS: 1, model: "m" };
const latency = {} as AnswerEnd["latency"];

const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }),
  fc.constantFrom("data: [DONE]", "\n\ndata: {}", '"usage":{"prompt_tokens":1}', '"finish_reason":"length"', "\u2028"),
);
const json = fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
const usage = fc
  .tuple(fc.nat(9_999), fc.nat(9_999), fc.nat(9_999), fc.nat(9_999), fc.nat(9_999))
  .map(([input, cached, written, output, reasoning]) => ({
    ...noUsage,
    inputTokens: BigInt(input),
    cachedInputTokens: BigInt(cached),
    cacheWriteTokens: BigInt(written),
    outputTokens: BigInt(output),
    reasoningTokens: BigInt(reasoning),
  }));

/** An answer of the kind that every format can say: thinking, then text, then calls. */
const answer = fc
  .record({
    thinking: fc.option(text, { nil: undefined }),
    said: fc.option(fc.array(text, { minLength: 1, maxLength: 4 }), { nil: undefined }),
    calls: fc.array(fc.record({ name: fc.constantFrom("f", "g"), input: json }), { maxLength: 3 }),
    usage,
    finish: fc.constantFrom<Finish>("stop", "length", "content_filter"),
  })
  .map((given) => ({ ...given, finish: given.calls.length > 0 ? ("tool_calls" as const) : given.finish }));
type Given = typeof answer extends fc.Arbitrary<infer T> ? T : never;

function partsOf({ thinking, said, calls }: Given): AnswerPart[] {
  const parts: AnswerPart[] = [];
  if (thinking !== undefined) parts.push({ type: "thinking", text: thinking });
  if (said !== undefined) parts.push({ type: "text", text: said.join("") });
  for (const [index, { name, input }] of calls.entries()) {
    parts.push({ type: "tool_call", id: `c${index}`, name, input: JSON.stringify(input), custom: false });
  }
  return parts;
}

/** The same answer in steps; the pieces of its calls come in any order that keeps each call's own. */
function stepsOf(given: Given, order: readonly number[]): NeutralEvent[] {
  const { thinking, said, calls, finish } = given;
  const steps: NeutralEvent[] = [{ type: "start", model: "m" }];
  if (thinking !== undefined) steps.push({ type: "thinking", choice: 0, text: thinking });
  for (const piece of said ?? []) steps.push({ type: "text", choice: 0, text: piece });
  const queues = calls.map(({ name, input }, call): NeutralEvent[] => {
    const whole = JSON.stringify(input);
    const cut = Math.floor(whole.length / 2);
    return [
      { type: "tool_call", choice: 0, call, id: `c${call}`, name, custom: false },
      { type: "tool_input", choice: 0, call, text: whole.slice(0, cut) },
      { type: "tool_input", choice: 0, call, text: whole.slice(cut) },
    ];
  });
  // Calls begin in their order; after that anything goes.
  let begun = 0;
  for (const pick of [...order, ...calls.flatMap((_, call) => [call, call, call])]) {
    const at = Math.min(pick % Math.max(1, calls.length), begun);
    const step = queues[at]?.shift();
    if (step === undefined) continue;
    if (step.type === "tool_call") begun++;
    steps.push(step);
  }
  for (const queue of queues) steps.push(...queue);
  steps.push({ type: "finish", choice: 0, reason: finish });
  return steps;
}

/** What differs between formats in spelling only. */
function meaning(read: NeutralAnswer): unknown {
  const [choice] = read.choices;
  return {
    parts: choice?.parts.map((part) => {
      if (part.type === "tool_call") return { ...part, input: JSON.parse(part.input), signature: undefined };
      return part.type === "thinking" ? { ...part, signature: undefined } : part;
    }),
    finish: choice?.finish === "refusal" ? "content_filter" : choice?.finish,
  };
}

/** The usage that is charged for an answer that was counted. */
function charged(counts: NeutralAnswer["usage"]): unknown {
  return usageOf(counts, false, { input: () => 0, delivered: () => ({ visible: 0, thinking: 0 }) });
}

/** A usage as the format can tell it. */
function told(given: BillableUsage, joinsWritten: true | undefined): BillableUsage {
  if (joinsWritten === undefined) return given;
  return { ...given, inputTokens: given.inputTokens + given.cacheWriteTokens, cacheWriteTokens: 0n };
}

function expected(given: Given): unknown {
  const parts = partsOf(given);
  return meaning({ choices: [{ parts, finish: given.finish }], usage: undefined, model: "m" });
}

describe.each(sides)(
  "$name written for a client means the same when read as an upstream's",
  ({ dialect, upstream, joinsWritten }) => {
    test("whole", () => {
      fc.assert(
        fc.property(answer, (given) => {
          const client = dialect.open(asked, () => undefined);
          const choices = [{ parts: partsOf(given), finish: given.finish }];
          const body = client.whole({ choices, usage: undefined, model: "m" }, head, { usage: given.usage, latency });
          const read = upstream.read(Buffer.from(JSON.stringify(body)));
          expect(meaning(read)).toEqual(expected(given));
          expect(charged(read.usage)).toEqual({ ...told(given.usage, joinsWritten), estimated: false });
        }),
        { numRuns: 300 },
      );
    });

    test("streamed, with calls that interleave", () => {
      fc.assert(
        fc.property(answer, fc.array(fc.nat(2), { maxLength: 9 }), (given, order) => {
          const sink = dialect.open(asked, () => undefined).stream({ id: "id", createdUnixS: 1 });
          let written = "";
          for (const step of stepsOf(given, order)) written += sink.write(step);
          written += sink.end({ usage: given.usage, latency });
          const fold = createAnswerFold((piece) => piece.length, 1_000_000);
          const source = upstream.stream();
          const feed = createEventFeed((event) => source.read(event, (step) => fold.add(step)));
          feed.feed(Buffer.from(written));
          feed.end();
          expect(source.isComplete()).toBe(true);
          expect(meaning(fold.answer())).toEqual(expected(given));
          expect(charged(fold.usage())).toEqual({ ...told(given.usage, joinsWritten), estimated: false });
          expect(fold.partialUsage()).toBe(false);
        }),
        { numRuns: 500 },
      );
    });
  },
);
