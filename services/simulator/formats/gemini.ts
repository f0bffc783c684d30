import type { Behaviour } from "../behaviour.ts";
import { type Ask, type Composed, compose, countInput, type InputTokens } from "../compose.ts";
import { deliverJson, deliverStream } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route, type Target } from "../exchange.ts";
import { arrayOf, countOf, type Json, objectOf, parsedObject, stringOf } from "../json.ts";
import { modalities } from "../reports.ts";
import { geminiFormat } from "./gemini-format.ts";
import { speakGemini, wantsSpeech } from "./gemini-speech.ts";
import { asksForImage, geminiImages } from "./image-vendors.ts";
import { dimensionsOf, tokensOf, vectorsOf } from "./vectors.ts";

/** POST /v1beta/models/{model}:{verb}: generateContent, streamGenerateContent, countTokens, embedContent, batchEmbedContents. */
export const geminiModels: Route = {
  format: geminiFormat,
  readsBody: true,
  answer(exchange, body, target) {
    switch (target.verb) {
      case "generateContent":
        if (wantsSpeech(body)) return speakGemini(exchange, body);
        generate(exchange, body, target);
        return;
      case "streamGenerateContent":
        generate(exchange, body, target);
        return;
      case "countTokens": {
        const { total } = countInput(
          askOf(exchange.model, objectOf(body.generateContentRequest ?? body)),
          exchange.behaviour,
        );
        deliverJson(exchange, geminiFormat, JSON.stringify({ totalTokens: total }));
        return;
      }
      case "embedContent":
        embed(exchange, [body], ([embedding]) => ({ embedding }));
        return;
      case "batchEmbedContents":
        embed(exchange, arrayOf(body.requests).map(objectOf), (embeddings) => ({ embeddings }));
        return;
      default:
        throw new InvalidRequest(`unknown method ${target.verb}`, null);
    }
  },
};

/** Vectors of one request each. */
function embed(exchange: Exchange, requests: readonly Json[], write: (embeddings: readonly Json[]) => Json): void {
  const texts = requests.map((request) => textOf(request.content));
  if (texts.length === 0 || texts.includes("")) throw new InvalidRequest("content must not be empty", "content");
  const dimensions = dimensionsOf(countOf(requests[0]?.outputDimensionality));
  const embeddings = vectorsOf(exchange, texts, dimensions).map(({ vector }) => ({ values: vector }));
  const usage = exchange.behaviour.usage ? { usageMetadata: { promptTokenCount: tokensOf(texts) } } : {};
  deliverJson(exchange, geminiFormat, JSON.stringify({ ...write(embeddings), ...usage }));
}

/** The server takes both spellings of a field. */
function field(body: Json, camel: string): unknown {
  return body[camel] ?? body[camel.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
}

function textOf(content: unknown): string {
  let text = "";
  for (const part of arrayOf(objectOf(content).parts)) text += stringOf(objectOf(part).text);
  return text;
}

function askOf(model: string, body: Json): Ask {
  const turns = arrayOf(body.contents);
  if (turns.length === 0) throw new InvalidRequest("contents is not specified", "contents");
  let { length: inputLength } = textOf(field(body, "systemInstruction"));
  let images = 0;
  let prompt = "";
  for (const item of turns) {
    const turn = objectOf(item);
    const text = textOf(turn);
    inputLength += text.length;
    for (const part of arrayOf(turn.parts).map(objectOf)) {
      if (field(part, "inlineData") !== undefined || field(part, "fileData") !== undefined) images += 1;
      else if (part.text === undefined) inputLength += JSON.stringify(part).length;
    }
    prompt = turn.role === "model" ? "" : text;
  }
  const config = objectOf(field(body, "generationConfig"));
  const declared = arrayOf(body.tools).flatMap((tool) => arrayOf(field(objectOf(tool), "functionDeclarations")));
  if (declared.length > 0) inputLength += JSON.stringify(declared).length;
  const calling = objectOf(field(objectOf(field(body, "toolConfig")), "functionCallingConfig"));
  const named = stringOf(arrayOf(field(calling, "allowedFunctionNames"))[0]);
  const schema = field(config, "responseJsonSchema") ?? field(config, "responseSchema");
  return {
    model,
    prompt,
    inputLength,
    messages: turns.length,
    images,
    maxTokens: countOf(field(config, "maxOutputTokens")) ?? Number.POSITIVE_INFINITY,
    stop: arrayOf(field(config, "stopSequences")).map(stringOf),
    tools: declared.map(objectOf).map((tool) => ({
      name: stringOf(tool.name),
      schema: field(tool, "parametersJsonSchema") ?? tool.parameters ?? {},
    })),
    toolChoice:
      calling.mode === "NONE"
        ? "none"
        : calling.mode === "ANY"
          ? named === ""
            ? "required"
            : { name: named }
          : "auto",
    parallelTools: true,
    json: field(config, "responseMimeType") !== "application/json" ? "" : schema === undefined ? "object" : { schema },
    reasoningTokens: thoughtsOf(objectOf(field(config, "thinkingConfig"))),
  };
}

function thoughtsOf(config: Json): number {
  const budget = field(config, "thinkingBudget");
  if (budget === 0) return 0;
  const level = stringOf(field(config, "thinkingLevel")).toLowerCase();
  if (level !== "") return { minimal: 4, low: 8, medium: 16, high: 32 }[level] ?? 0;
  return budget === undefined && field(config, "includeThoughts") !== true ? 0 : 16;
}

interface GeminiAnswer {
  readonly id: string;
  readonly model: string;
  readonly candidates: readonly Composed[];
  readonly input: InputTokens;
  readonly showThoughts: boolean;
  readonly withUsage: boolean;
  readonly behaviour: Behaviour;
}

function generate(exchange: Exchange, body: Json, target: Target): void {
  if (target.verb === "generateContent" && asksForImage(objectOf(field(body, "generationConfig")))) {
    geminiImages(exchange, geminiFormat, body);
    return;
  }
  const ask = askOf(exchange.model, body);
  const config = objectOf(field(body, "generationConfig"));
  const candidates: Composed[] = [];
  for (let index = 0; index < (countOf(field(config, "candidateCount")) || 1); index += 1) {
    candidates.push(compose(ask, exchange.behaviour, index));
  }
  const answer: GeminiAnswer = {
    id: exchange.id,
    model: exchange.model,
    candidates,
    input: countInput(ask, exchange.behaviour),
    showThoughts: field(objectOf(field(config, "thinkingConfig")), "includeThoughts") === true,
    withUsage: exchange.behaviour.usage,
    behaviour: exchange.behaviour,
  };
  if (target.verb === "generateContent") deliverJson(exchange, geminiFormat, whole(answer));
  else stream(exchange, answer, new URLSearchParams(target.query).get("alt") === "sse");
}

/** Function calls end with STOP here, too. */
function finishReason({ finish }: Composed): string {
  if (finish === "length") return "MAX_TOKENS";
  return finish === "filtered" ? "SAFETY" : "STOP";
}

function callPart(call: Composed["calls"][number]): Json {
  return { functionCall: { name: call.name, args: parsedObject(call.pieces.join("")) } };
}

function partsOf(answer: GeminiAnswer, composed: Composed): Json[] {
  const parts: Json[] = [];
  if (answer.showThoughts && composed.reasoning.length > 0)
    parts.push({ text: composed.reasoning.join(""), thought: true });
  if (composed.text.length > 0) parts.push({ text: composed.text.join("") });
  return [...parts, ...composed.calls.map(callPart)];
}

function usageOf(answer: GeminiAnswer, visible: number, thoughts: number): Json {
  const { behaviour, input } = answer;
  return {
    promptTokenCount: input.total,
    ...modalities("promptTokensDetails", input.total, behaviour),
    ...modalities("candidatesTokensDetails", visible, behaviour),
    ...(behaviour.tier === "" ? {} : { serviceTier: behaviour.tier }),
    ...(answer.input.cached > 0 ? { cachedContentTokenCount: answer.input.cached } : {}),
    candidatesTokenCount: visible,
    ...(thoughts > 0 ? { thoughtsTokenCount: thoughts } : {}),
    totalTokenCount: answer.input.total + visible + thoughts,
  };
}

/** The searches of the web that it reports. */
function grounding({ behaviour: { searches } }: GeminiAnswer): Json {
  if (searches === 0) return {};
  return {
    groundingMetadata: { webSearchQueries: Array.from({ length: searches }, (_, at) => `simulated query ${at}`) },
  };
}

function response(answer: GeminiAnswer, candidates: Json[], visible: number, thoughts: number): string {
  return JSON.stringify({
    candidates,
    ...(answer.withUsage ? { usageMetadata: usageOf(answer, visible, thoughts) } : {}),
    modelVersion: answer.model,
    responseId: answer.id,
  });
}

function whole(answer: GeminiAnswer): string {
  const thoughts = answer.candidates.reduce((sum, { reasoning }) => sum + reasoning.length, 0);
  const all = answer.candidates.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  const candidates = answer.candidates.map((composed, index) => ({
    content: { role: "model", parts: partsOf(answer, composed) },
    finishReason: finishReason(composed),
    index,
    ...grounding(answer),
  }));
  return response(answer, candidates, all - thoughts, thoughts);
}

function stream(exchange: Exchange, answer: GeminiAnswer, sse: boolean): void {
  // Without alt=sse the answer is one JSON array that grows.
  let first = true;
  const frame = (json: string) => {
    if (sse) return `data: ${json}\n\n`;
    const separator = first ? "[" : ",\n";
    first = false;
    return separator + json;
  };
  deliverStream(exchange, geminiFormat, {
    contentType: sse ? "text/event-stream" : "application/json; charset=UTF-8",
    open: [],
    tokens: tokens(answer, frame),
    tokenCount: answer.candidates.reduce(
      (sum, { reasoning, text, calls }) =>
        sum + (answer.showThoughts ? reasoning.length : 0) + text.length + calls.length,
      0,
    ),
    close: closing(answer, frame),
    done: sse ? "" : "]",
    malformed: sse ? 'data: {"candidates":[{"content":{"parts":[{"te\n\n' : ',{"candidates":[{',
    error: sse
      ? `data: ${JSON.stringify({ error: { code: 503, message: "Simulated: the model is overloaded.", status: "UNAVAILABLE" } })}\n\n`
      : ',{"error":{"code":503,"message":"Simulated: the model is overloaded.","status":"UNAVAILABLE"}}]',
  });
}

/** Made when the pump comes to it: in an array, whether a comma leads depends on what went before. */
function closing(answer: GeminiAnswer, frame: (json: string) => string): Iterable<string> {
  return {
    *[Symbol.iterator]() {
      const thoughts = answer.candidates.reduce((sum, { reasoning }) => sum + reasoning.length, 0);
      const all = answer.candidates.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
      const ends = answer.candidates.map((composed, index) => ({
        content: { role: "model", parts: [] },
        finishReason: finishReason(composed),
        index,
        ...grounding(answer),
      }));
      yield frame(response(answer, ends, all - thoughts, thoughts));
    },
  };
}

function* tokens(answer: GeminiAnswer, frame: (json: string) => string): Generator<string> {
  let visible = 0;
  let thoughts = 0;
  const piece = (index: number, part: Json) =>
    frame(response(answer, [{ content: { role: "model", parts: [part] }, index }], visible, thoughts));
  for (const [index, { reasoning, text, calls }] of answer.candidates.entries()) {
    if (!answer.showThoughts) thoughts += reasoning.length;
    for (const thought of answer.showThoughts ? reasoning : []) {
      thoughts += 1;
      yield piece(index, { text: thought, thought: true });
    }
    for (const word of text) {
      visible += 1;
      yield piece(index, { text: word });
    }
    for (const call of calls) {
      visible += call.pieces.length;
      yield piece(index, callPart(call));
    }
  }
}
