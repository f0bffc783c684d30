import { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { Asked } from "../../domain/exchange.ts";
import { isTierPriced } from "../../domain/service-tier.ts";
import type { Note } from "../../modules/chat/neutral/formats.ts";
import { isEffort, type Reasoning, reasoningOf } from "../../modules/chat/neutral/reasoning.ts";
import { asCount, asObject, parseJson } from "../../wire/json.ts";
import { type FieldPatch, fieldText, fieldValue } from "../../wire/patch-json.ts";
import type { MessagesFlavour } from "./flavour.ts";
import { generationOf } from "./models.ts";
import { writeThinking } from "./reasoning.ts";

/**
 * Fields by which a request costs several times the model's price (speed) or a tenth more (inference_geo), by Anthropic's
 * pricing page, and their values that do not.
 */
const premiumFields = { speed: "standard", inference_geo: "global" } as const;

/**
 * What is left out of a body of Anthropic's own format because it costs more than is charged, unless the channel allows it.
 * Throws `invalid_value` for where data may be processed, which is not ours to change.
 */
export function premiumPatch({ body, prices }: Asked, { premium }: MessagesFlavour, note: Note): FieldPatch {
  const patch: Record<string, undefined> = {};
  for (const [field, standard] of premium ? [] : Object.entries(premiumFields)) {
    const text = fieldText(body, field);
    if (text === undefined || text === "null" || text === JSON.stringify(standard)) continue;
    if (field === "inference_geo") {
      throw new ThroughlineError("invalid_value", "inference_geo is not offered here.", { param: field });
    }
    // The answer names a fast one by that word, and it is charged by it.
    if (text === '"fast"' && isTierPriced(prices, "fast")) continue;
    patch[field] = undefined;
    note(`${field} dropped: it costs more than the model's price`);
  }
  return patch;
}

/** What a control at the end of the model's name changes in a body of Anthropic's own format. */
export function controlPatch(asked: Asked, flavour: MessagesFlavour, note: Note): FieldPatch {
  const { control, body } = asked;
  if (control === "") return {};
  if (control === "search") return searchPatch(body);
  const wanted = wish(control);
  if (wanted === undefined) return {};
  const maxTokens = asCount(fieldValue(body, "max_tokens"));
  const generation = generationOf(flavour.like ?? asked.upstreamModel);
  const written = writeThinking(wanted, generation, maxTokens, "thinking", note);
  const patch: Record<string, string | undefined> = {
    thinking: written.thinking === undefined ? undefined : JSON.stringify(written.thinking),
  };
  if (written.effort !== undefined) {
    const config = asObject(fieldValue(body, "output_config"));
    patch.output_config = JSON.stringify({ ...config, effort: written.effort });
  }
  // The vendor refuses these while the model thinks.
  if (written.thinking !== undefined && written.on) {
    for (const field of ["temperature", "top_p", "top_k"]) {
      if (fieldText(body, field) === undefined) continue;
      patch[field] = undefined;
      note(`${field} dropped: it cannot be set while the model thinks`);
    }
  }
  return patch;
}

function wish(control: string): Reasoning | undefined {
  if (control === "thinking") return { mode: "on" };
  if (control === "nothinking") return { mode: "off" };
  return isEffort(control) ? reasoningOf(control) : undefined;
}

function searchPatch(body: Uint8Array): FieldPatch {
  const tools = parseJson(fieldText(body, "tools") ?? "[]");
  const given: readonly unknown[] = Array.isArray(tools) ? tools : [];
  if (given.some((tool) => String(asObject(tool)?.type ?? "").startsWith("web_search_"))) return {};
  return { tools: JSON.stringify([...given, { type: "web_search_20250305", name: "web_search", max_uses: 5 }]) };
}
