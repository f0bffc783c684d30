import fc from "fast-check";
import { expect, test } from "vitest";
import { noUsage } from "../../../../../shared/money/usage.ts";
import type { Asked } from "../../../domain/exchange.ts";
import { createEventFeed } from "../../../wire/event-feed.ts";
import { asArray, asObject, type JsonObject } from "../../../wire/json.ts";
import type { NeutralEvent } from "../neutral/events.ts";
import { createAnswerFold } from "../neutral/fold.ts";
import type { AnswerEnd } from "../neutral/formats.ts";
import { responsesDialect } from "./dialect.ts";
import { readDelta } from "./read-delta.ts";

const asked: Asked = {
  requestId: 7n,
  model: "m",
  upstreamModel: "m",
  control: "",
  stream: true,
  includeUsage: true,
  body: Buffer.from('{"model":"m","input":"x"}'),
  headers: {},
  createdUnixS: 1,
  keepResponse: true,
};
const end: AnswerEnd = { usage: { ...noUsage, outputTokens: 3n }, latency: {} as AnswerEnd["latency"] };

const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }),
  fc.constantFrom('"sequence_number":99', "\n\ndata: {}", "\u2028"),
);
const signature = fc.record({ origin: fc.constantFrom("anthropic.messages", "gemini"), value: text });
/** Everything that a part of an answer can be, as the steps that bring it; calls come with numbers of their own. */
const part = fc.oneof(
  fc
    .array(text, { minLength: 1, maxLength: 3 })
    .map((pieces) => pieces.map((piece) => ({ type: "text", text: piece }))),
  fc.tuple(text, signature).map(([thought, value]) => [
    { type: "thinking", text: thought },
    { type: "signature", signature: value },
  ]),
  text.map((thought) => [{ type: "thinking", text: thought }]),
  signature.map((value) => [{ type: "redacted_thinking", signature: value }]),
  signature.map((value) => [{ type: "signature", signature: value }]),
  text.map((refusal) => [{ type: "refusal", text: refusal }]),
  text.map((data) => [{ type: "image", mediaType: "image/png", data }]),
  fc
    .tuple(
      fc.constantFrom("f", "g"),
      fc.option(signature, { nil: undefined }),
      fc.boolean(),
      fc.jsonValue({ maxDepth: 1 }),
    )
    .map(([name, value, custom, input]) => [
      { type: "tool_call", id: `call ${name}`, name, custom, signature: value },
      ...(JSON.stringify({ input }).match(/[\s\S]{1,4}/g) ?? []).map((piece) => ({ type: "tool_input", text: piece })),
    ]),
);
const finish = fc.constantFrom("stop", "length", "content_filter", "tool_calls");
const answers = fc.tuple(fc.array(part, { maxLength: 6 }), finish).map(([parts, reason]) => {
  let call = -1;
  const steps: object[] = [{ type: "start", model: "gemini-2.5" }];
  for (const step of parts.flat()) {
    if (step.type === "tool_call") call++;
    steps.push({ choice: 0, call, ...step });
  }
  return [...steps, { type: "finish", choice: 0, reason }] as NeutralEvent[];
});

/** The stream that steps are written as, event by event. */
function written(steps: readonly NeutralEvent[]): { name: string; data: string; event: JsonObject }[] {
  const client = responsesDialect.open(asked, () => undefined).stream({ id: "resp_7", createdUnixS: 1 });
  const events: { name: string; data: string; event: JsonObject }[] = [];
  const feed = createEventFeed(({ event: name = "", data }) => {
    events.push({ name, data, event: asObject(JSON.parse(data)) ?? {} });
  });
  for (const step of steps) feed.feed(Buffer.from(client.write(step)));
  feed.feed(Buffer.from(client.end(end)));
  feed.end();
  return events;
}

test("events are numbered from 0, say their own name, and the first and the last are those that SDKs wait for", () => {
  fc.assert(
    fc.property(answers, (steps) => {
      const events = written(steps);
      expect(events.map(({ event }) => event.sequence_number)).toEqual(events.map((_, index) => index));
      for (const { name, event } of events) expect(event.type).toBe(name);
      expect(events.slice(0, 2).map(({ name }) => name)).toEqual(["response.created", "response.in_progress"]);
      expect(events.at(-1)?.name).toMatch(/^response\.(completed|incomplete)$/);
    }),
  );
});

test("nothing grows before it is announced, and everything announced is closed once", () => {
  fc.assert(
    fc.property(answers, (steps) => {
      const open = new Map<unknown, Set<string>>();
      let closed = 0;
      let next = 0;
      for (const { name, event } of written(steps)) {
        const parts = open.get(event.output_index);
        const place = `${event.content_index ?? event.summary_index}`;
        if (name === "response.output_item.added") {
          expect(event.output_index).toBe(next++);
          open.set(event.output_index, new Set());
        } else if (name === "response.output_item.done") {
          expect(parts?.size).toBe(0);
          open.delete(event.output_index);
          closed++;
        } else if (/part\.added$/.test(name)) {
          expect(parts?.has(place)).toBe(false);
          parts?.add(place);
        } else if (/part\.done$/.test(name)) expect(parts?.delete(place)).toBe(true);
        else if (/(text|refusal|summary_text)\.(delta|done)$|annotation\.added$/.test(name)) {
          expect(parts?.has(place)).toBe(true);
        } else if (name.endsWith(".delta")) expect(parts).toBeDefined();
      }
      expect(open.size).toBe(0);
      expect(closed).toBe(next);
    }),
  );
});

test("the response at the end is the one that is given whole, and the sum of its deltas", () => {
  fc.assert(
    fc.property(answers, (steps) => {
      const events = written(steps);
      const last = asObject(events.at(-1)?.event.response) ?? {};
      const fold = createAnswerFold(() => 0, Number.POSITIVE_INFINITY);
      for (const step of steps) fold.add(step);
      const exchange = responsesDialect.open(asked, () => undefined);
      const whole = exchange.whole(fold.answer(), { id: "resp_7", createdUnixS: 1, model: "gemini-2.5" }, end);
      // The items that a stream closed are those of its end.
      const done = events.filter(({ name }) => name === "response.output_item.done").map(({ event }) => event.item);
      expect(asArray(last.output)).toHaveLength(done.length);
      expect(last).toEqual(JSON.parse(JSON.stringify(whole)));

      const read = createAnswerFold(() => 0, Number.POSITIVE_INFINITY);
      for (const { data } of events) readDelta(data, (step) => read.add(step));
      const texts = (parts: readonly { type: string; text?: string; input?: string }[] = []) =>
        parts
          .map(({ type, text: said, input }) => `${type} ${said ?? input ?? ""}`)
          .filter((said) => !said.endsWith(" "));
      const spoken = fold.answer().choices[0]?.parts.filter(({ type }) => type === "text" || type === "tool_call");
      const heard = read.answer().choices[0]?.parts.filter(({ type }) => type === "text" || type === "tool_call");
      expect(texts(heard).join("").replaceAll("text ", "")).toBe(texts(spoken).join("").replaceAll("text ", ""));
    }),
  );
});

test("an answer's items come back as the turn that it was, signatures included", () => {
  fc.assert(
    fc.property(answers, (steps) => {
      const last = asObject(written(steps).at(-1)?.event.response) ?? {};
      const output = asArray(last.output);
      const body = Buffer.from(JSON.stringify({ model: "m", input: [{ role: "user", content: "x" }, ...output] }));
      // Pictures that a model made are its own vendor's to take back.
      const { request } = responsesDialect.open({ ...asked, body }, () => undefined);
      const sent = request.messages.filter(({ role }) => role === "assistant").flatMap(({ parts }) => parts);
      const signatures = (parts: readonly object[]) =>
        parts.flatMap((one) => ("signature" in one && one.signature !== undefined ? [one.signature] : []));
      expect(signatures(sent)).toEqual(signatures(steps));
      const calls = steps.flatMap((step) => (step.type === "tool_call" ? [step.name] : []));
      expect(sent.flatMap((one) => (one.type === "tool_call" ? [one.name] : []))).toEqual(calls);
    }),
  );
});
