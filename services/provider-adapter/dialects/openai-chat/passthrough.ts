import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { estimateTextTokens } from "../../../../shared/estimate-tokens.ts";
import type { Asked, Exchange, UpstreamMessage } from "../../domain/exchange.ts";
import type { OpenaiFlavour } from "../../domain/flavour.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../domain/json.ts";
import { latencyCheckpoint } from "../../domain/latency.ts";
import { noUsage, readOpenaiUsage } from "../../domain/openai-usage.ts";
import { type FieldPatch, fieldText, patchJson } from "../../domain/patch-json.ts";
import { chatMessageId, writeCompletion } from "./completion.ts";
import { createChatPassthrough } from "./passthrough-stream.ts";

/** Effort words that a model suffix may carry. */
const efforts = new Set(["none", "minimal", "low", "medium", "high", "xhigh", "max"]);

/** The client's chat dialect to an upstream that speaks it too: bytes go on, only what must change is changed. */
export function chatPassthrough(asked: Asked, flavour: OpenaiFlavour): Exchange {
  const notes: string[] = [];
  const message = prepare(asked, flavour, notes);
  const inputTokens = () => estimateTextTokens(Buffer.from(asked.body).toString());
  return {
    message,
    notes,
    whole(body, moments) {
      const upstream = asObject(parseJson(body.toString()));
      if (upstream === undefined) {
        throw new ThroughlineError("upstream_error", "The upstream's answer is not a JSON object.");
      }
      const error = asObject(upstream.error);
      if (error !== undefined && upstream.choices === undefined) throw flavour.streamError(error);
      const found = asObject(upstream.usage);
      const counted =
        found === undefined || asArray(upstream.choices).length === 0 ? undefined : readOpenaiUsage(found);
      const usage = counted ?? {
        ...noUsage,
        inputTokens: BigInt(inputTokens()),
        outputTokens: BigInt(textTokens(upstream)),
      };
      const messageId = chatMessageId(asked.requestId);
      const completion = writeCompletion(
        upstream,
        { id: messageId, created: asked.createdUnixS, model: asked.upstreamModel },
        usage,
        latencyCheckpoint(moments, Number(usage.outputTokens + usage.reasoningTokens)),
      );
      return {
        body: Buffer.from(JSON.stringify(completion)),
        usage: { ...usage, estimated: counted === undefined },
        finishReason: asString(asObject(asArray(completion.choices)[0])?.finish_reason) ?? "",
        messageId,
        responseModel: asString(upstream.model) ?? "",
      };
    },
    stream: () => createChatPassthrough(asked, inputTokens, flavour.streamError),
  };
}

/** Tokens of the texts of an answer whose upstream counted none. */
function textTokens(completion: JsonObject): number {
  let tokens = 0;
  for (const choice of asArray(completion.choices)) {
    const message = asObject(asObject(choice)?.message) ?? {};
    for (const value of Object.values(message)) {
      if (typeof value === "string") tokens += estimateTextTokens(value);
      else if (Array.isArray(value)) tokens += estimateTextTokens(JSON.stringify(value));
    }
  }
  return tokens;
}

/** What must change in the body on its way to this vendor. */
function prepare(asked: Asked, flavour: OpenaiFlavour, notes: string[]): UpstreamMessage {
  const patch: Record<string, string | undefined> = { model: JSON.stringify(asked.upstreamModel) };
  if (asked.stream && flavour.streamOptions) patch.stream_options = withIncludeUsage(asked.body);
  if (asked.stream && !flavour.streamOptions) patch.stream_options = undefined;
  Object.assign(patch, reasoningPatch(asked, flavour), searchPatch(asked));
  for (const field of flavour.dropFields) {
    if (fieldText(asked.body, field) === undefined) continue;
    patch[field] = undefined;
    notes.push(`${field} dropped: the vendor does not take it`);
  }
  for (const [from, to] of Object.entries(flavour.renameFields)) {
    const value = fieldText(asked.body, from);
    if (value === undefined) continue;
    patch[from] = undefined;
    patch[to] = value;
  }
  return { path: "/chat/completions", headers: {}, body: patchJson(asked.body, patch) };
}

/** Usage is always asked for: what is billed is what the upstream counted. */
function withIncludeUsage(body: Uint8Array): string {
  const given = asObject(parseJson(fieldText(body, "stream_options") ?? "null")) ?? {};
  return given.include_usage === true ? JSON.stringify(given) : JSON.stringify({ ...given, include_usage: true });
}

/** The seed's reasoning controls: `enable_thinking` (only the boolean true counts), `extra_body`, model suffixes. */
function reasoningPatch(asked: Asked, flavour: OpenaiFlavour): FieldPatch {
  const patch: Record<string, string | undefined> = {};
  const extra = asObject(parseJson(fieldText(asked.body, "extra_body") ?? "null"));
  const own = fieldText(asked.body, "enable_thinking");
  const thinking = asked.control === "thinking" || own === "true" || extra?.enable_thinking === true;
  if (own !== undefined) patch.enable_thinking = undefined;
  if (extra !== undefined) {
    // SDKs flatten extra_body before sending; a client that sends it as a field means the same.
    patch.extra_body = undefined;
    for (const [name, value] of Object.entries(extra)) {
      if (name !== "enable_thinking" && name !== "google") patch[name] = JSON.stringify(value);
    }
  }
  if (thinking) Object.assign(patch, flavour.thinkingOn);
  else if (asked.control === "nothinking") Object.assign(patch, flavour.thinkingOff);
  if (efforts.has(asked.control)) patch.reasoning_effort = JSON.stringify(asked.control);
  return patch;
}

/** `web_search_options.search_context_size` defaults to medium; the suffix `-search` asks for search by itself. */
function searchPatch(asked: Asked): FieldPatch {
  const text = fieldText(asked.body, "web_search_options");
  const given = asObject(parseJson(text ?? "null"));
  if (given === undefined && asked.control !== "search") return {};
  if (given?.search_context_size) return {};
  return { web_search_options: JSON.stringify({ ...given, search_context_size: "medium" }) };
}
