import type { Behaviour } from "../behaviour.ts";
import { type Ask, type Composed, compose, countInput, type InputTokens } from "../compose.ts";
import { deliverJson, deliverStream } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route } from "../exchange.ts";
import { arrayOf, type Json, objectOf, stringOf } from "../json.ts";
import { vendorFields, writtenForHour } from "../reports.ts";
import { boundOf, choiceOf, effortTokens, openaiFormat, toolsOf } from "./openai.ts";

/** POST /v1/responses. */
export const responses: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    const ask = askOf(exchange.model, body);
    const answer: ResponseAnswer = {
      id: `resp_${exchange.id.slice("req_".length)}`,
      createdAt: Math.floor(exchange.entry.receivedAtMs / 1_000),
      body,
      model: exchange.model,
      composed: compose(ask, exchange.behaviour, 0),
      input: countInput(ask, exchange.behaviour),
      withUsage: exchange.behaviour.usage,
      behaviour: exchange.behaviour,
    };
    if (body.stream === true) stream(exchange, answer);
    else deliverJson(exchange, openaiFormat, JSON.stringify(whole(answer)));
  },
};

interface ResponseAnswer {
  readonly id: string;
  readonly createdAt: number;
  readonly body: Json;
  readonly model: string;
  readonly composed: Composed;
  readonly input: InputTokens;
  readonly withUsage: boolean;
  readonly behaviour: Behaviour;
}

function askOf(model: string, body: Json): Ask {
  const items =
    typeof body.input === "string" ? [{ role: "user", content: body.input }] : arrayOf(body.input).map(objectOf);
  if (items.length === 0) throw new InvalidRequest("Missing required parameter: 'input'.", "input");
  let { length: inputLength } = stringOf(body.instructions);
  let images = 0;
  let prompt = "";
  for (const item of items) {
    let text = stringOf(item.content);
    for (const part of arrayOf(item.content).map(objectOf)) {
      if (typeof part.text === "string") text += part.text;
      else images += 1;
    }
    inputLength += item.role === undefined ? JSON.stringify(item).length : text.length;
    prompt = item.role === "user" ? text : "";
  }
  const tools = toolsOf(body.tools);
  if (tools.length > 0) inputLength += JSON.stringify(body.tools).length;
  const format = objectOf(objectOf(body.text).format);
  return {
    model,
    prompt,
    inputLength,
    messages: items.length,
    images,
    maxTokens: boundOf(body.max_output_tokens),
    stop: [],
    tools,
    toolChoice: choiceOf(body.tool_choice),
    parallelTools: body.parallel_tool_calls !== false,
    json: format.type === "json_object" ? "object" : format.type === "json_schema" ? { schema: format.schema } : "",
    reasoningTokens: effortTokens(objectOf(body.reasoning).effort),
  };
}

/** The answer's frame; `status` and `output` grow as a stream goes on. */
function frameOf(answer: ResponseAnswer, status: string, output: readonly Json[], usage: Json | null): Json {
  const { body, composed } = answer;
  const reason = { length: "max_output_tokens", filtered: "content_filter" }[composed.finish as "length" | "filtered"];
  return {
    id: answer.id,
    object: "response",
    created_at: answer.createdAt,
    status,
    error: null,
    incomplete_details: status === "incomplete" ? { reason } : null,
    model: answer.model,
    output,
    instructions: body.instructions ?? null,
    tools: body.tools ?? [],
    tool_choice: body.tool_choice ?? "auto",
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    temperature: body.temperature ?? 1,
    top_p: body.top_p ?? 1,
    max_output_tokens: body.max_output_tokens ?? null,
    previous_response_id: body.previous_response_id ?? null,
    reasoning: { effort: objectOf(body.reasoning).effort ?? null, summary: null },
    text: body.text ?? { format: { type: "text" } },
    truncation: "disabled",
    metadata: { ...objectOf(body.metadata), throughline: "simulated" },
    service_tier: answer.behaviour.tier || "default",
    ...(usage !== null && answer.behaviour.searches > 0
      ? { tool_usage: { web_search: { num_requests: answer.behaviour.searches } } }
      : {}),
    ...(status === "in_progress" || answer.withUsage ? { usage } : {}),
  };
}

function statusOf({ composed }: ResponseAnswer): string {
  return composed.finish === "length" || composed.finish === "filtered" ? "incomplete" : "completed";
}

function usageOf({ input, composed, behaviour }: ResponseAnswer): Json {
  const { cost, is_byok } = vendorFields(behaviour);
  return {
    input_tokens: input.total,
    input_tokens_details: {
      cached_tokens: input.cached,
      cache_write_tokens: writtenForHour(input.total - input.cached, behaviour),
    },
    output_tokens: composed.outputTokens,
    output_tokens_details: { reasoning_tokens: composed.reasoning.length },
    total_tokens: input.total + composed.outputTokens,
    ...(cost === undefined ? {} : { cost, is_byok }),
  };
}

/** One output item: empty as a stream announces it, its pieces, and complete. */
interface Item {
  readonly empty: Json;
  readonly complete: Json;
  readonly pieces: readonly string[];
  /** Names of the events of its text, and the fields that locate it. */
  readonly events: { readonly part: string; readonly delta: string; readonly done: string; readonly at: Json };
  readonly part: (text: string) => Json | undefined;
  readonly doneField: (text: string) => Json;
}

function itemsOf(answer: ResponseAnswer): Item[] {
  const { reasoning, text, calls } = answer.composed;
  const suffix = answer.id.slice("resp_".length);
  const items: Item[] = [];
  if (reasoning.length > 0) {
    const base = { id: `rs_${suffix}`, type: "reasoning" };
    const part = (content: string) => ({ type: "summary_text", text: content });
    items.push({
      empty: { ...base, summary: [] },
      complete: { ...base, summary: [part(reasoning.join(""))] },
      pieces: reasoning,
      events: {
        part: "response.reasoning_summary_part",
        delta: "response.reasoning_summary_text.delta",
        done: "response.reasoning_summary_text.done",
        at: { item_id: base.id, summary_index: 0 },
      },
      part,
      doneField: (content) => ({ text: content }),
    });
  }
  if (text.length > 0) {
    const base = { id: `msg_${suffix}`, type: "message", role: "assistant" };
    const part = (content: string) => ({ type: "output_text", text: content, annotations: [], logprobs: [] });
    items.push({
      empty: { ...base, status: "in_progress", content: [] },
      complete: { ...base, status: statusOf(answer), content: [part(text.join(""))] },
      pieces: text,
      events: {
        part: "response.content_part",
        delta: "response.output_text.delta",
        done: "response.output_text.done",
        at: { item_id: base.id, content_index: 0 },
      },
      part,
      doneField: (content) => ({ text: content, logprobs: [] }),
    });
  }
  for (const [index, call] of calls.entries()) {
    const kind = call.custom ? "custom_tool_call" : "function_call";
    const argument = call.custom ? "input" : "arguments";
    const base = { id: `fc_${suffix}_${index}`, type: kind, call_id: `call_${suffix}_${index}`, name: call.name };
    const stem = call.custom ? "response.custom_tool_call_input" : "response.function_call_arguments";
    items.push({
      empty: { ...base, [argument]: "", status: "in_progress" },
      complete: { ...base, [argument]: call.pieces.join(""), status: "completed" },
      pieces: call.pieces,
      events: { part: "", delta: `${stem}.delta`, done: `${stem}.done`, at: { item_id: base.id } },
      part: () => undefined,
      doneField: (content) => (call.custom ? { input: content } : { arguments: content, name: call.name }),
    });
  }
  return items;
}

function whole(answer: ResponseAnswer): Json {
  const output = itemsOf(answer).map(({ complete }) => complete);
  return frameOf(answer, statusOf(answer), output, usageOf(answer));
}

function stream(exchange: Exchange, answer: ResponseAnswer): void {
  let sequence = 0;
  const event = (type: string, fields: Json) => {
    const text = `event: ${type}\ndata: ${JSON.stringify({ type, ...fields, sequence_number: sequence })}\n\n`;
    sequence += 1;
    return text;
  };
  const items = itemsOf(answer);
  const begun = frameOf(answer, "in_progress", [], null);
  deliverStream(exchange, openaiFormat, {
    contentType: "text/event-stream; charset=utf-8",
    open: [event("response.created", { response: begun }), event("response.in_progress", { response: begun })],
    tokens: tokens(items, event),
    tokenCount: answer.composed.outputTokens,
    close: {
      // Made when its turn comes: it bears the next sequence number.
      *[Symbol.iterator]() {
        yield event(`response.${statusOf(answer)}`, { response: whole(answer) });
      },
    },
    done: "",
    malformed: 'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"brok\n\n',
    error: `event: error\ndata: ${JSON.stringify({ type: "error", code: "server_error", message: "Simulated: the server had an error.", param: null, sequence_number: 9_999 })}\n\n`,
  });
}

function* tokens(items: readonly Item[], event: (type: string, fields: Json) => string): Generator<string> {
  for (const [output_index, { empty, complete, pieces, events, part, doneField }] of items.entries()) {
    const at = { ...events.at, output_index };
    const text = pieces.join("");
    for (const [place, piece] of pieces.entries()) {
      let frames = "";
      if (place === 0) {
        frames += event("response.output_item.added", { output_index, item: empty });
        if (events.part !== "") frames += event(`${events.part}.added`, { ...at, part: part("") });
      }
      frames += event(events.delta, {
        ...at,
        delta: piece,
        ...(events.delta.includes("output_text") ? { logprobs: [] } : {}),
      });
      if (place === pieces.length - 1) {
        frames += event(events.done, { ...at, ...doneField(text) });
        if (events.part !== "") frames += event(`${events.part}.done`, { ...at, part: part(text) });
        frames += event("response.output_item.done", { output_index, item: complete });
      }
      yield frames;
    }
  }
}
