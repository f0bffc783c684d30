import type { UpstreamEvent } from "../../../domain/exchange.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, type JsonObject } from "../../../wire/json.ts";

/** A whole answer as the events of a stream. Undefined: it is no answer. */
export function converseEvents(body: Buffer): readonly UpstreamEvent[] | undefined {
  const top = asObject(parseExact(body.toString()));
  const content = asObject(asObject(top?.output)?.message)?.content;
  if (top === undefined || !Array.isArray(content)) return undefined;
  const { output: _said, stopReason = "end_turn", ...metadata } = top;
  return [
    event("messageStart", { role: "assistant" }),
    ...asArray(content).flatMap((block, index) => blockEvents(asObject(block) ?? {}, index)),
    event("messageStop", { stopReason }),
    event("metadata", metadata),
  ];
}

function blockEvents(block: JsonObject, contentBlockIndex: number): UpstreamEvent[] {
  const { start, deltas } = opened(block);
  return [
    ...(start === undefined ? [] : [event("contentBlockStart", { contentBlockIndex, start })]),
    ...deltas.map((delta) => event("contentBlockDelta", { contentBlockIndex, delta })),
    event("contentBlockStop", { contentBlockIndex }),
  ];
}

/** How a block begins, where its format has a beginning for it, and what is added to it. */
function opened(block: JsonObject): { readonly start?: JsonObject; readonly deltas: JsonObject[] } {
  const call = asObject(block.toolUse);
  if (call !== undefined) {
    const { input = {}, ...rest } = call;
    return { start: { toolUse: rest }, deltas: [{ toolUse: { input: JSON.stringify(input) } }] };
  }
  const reasoning = asObject(block.reasoningContent);
  const thought = asObject(reasoning?.reasoningText);
  if (thought !== undefined) {
    const { text, signature } = thought;
    const signed = signature === undefined ? [] : [{ reasoningContent: { signature } }];
    return { deltas: [{ reasoningContent: { text } }, ...signed] };
  }
  const cited = asObject(block.citationsContent);
  if (cited !== undefined) {
    const texts = asArray(cited.content).map((piece) => ({ text: asObject(piece)?.text }));
    return { deltas: [...texts, ...asArray(cited.citations).map((citation) => ({ citation }))] };
  }
  return { deltas: [block] };
}

function event(name: string, said: JsonObject): UpstreamEvent {
  return { event: name, data: JSON.stringify(said) };
}
