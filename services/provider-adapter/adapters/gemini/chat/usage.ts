import { type FurtherCounts, withCount } from "../../../modules/chat/neutral/further.ts";
import type { UsageCounts } from "../../../modules/chat/neutral/usage.ts";
import { asArray, asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";

/**
 * The counts of `usageMetadata`. The prompt's count includes cached tokens, that of the candidates excludes thoughts;
 * what the vendor's own tools brought is input too (wire/gemini.md section 3). A count of 0 is left out, as protobuf's JSON
 * has it, so beside a prompt's count an absent one is 0.
 */
export function readUsage(usage: JsonObject): UsageCounts {
  const prompt = countOf(usage.promptTokenCount);
  const tools = countOf(usage.toolUsePromptTokenCount) ?? 0;
  const visible = prompt !== undefined && usage.candidatesTokenCount === undefined ? 0 : usage.candidatesTokenCount;
  return {
    input: prompt === undefined ? undefined : prompt + tools,
    cached: countOf(usage.cachedContentTokenCount),
    visible: countOf(visible),
    reasoning: countOf(usage.thoughtsTokenCount),
    tier: asString(usage.serviceTier) ?? tierOfTraffic(asString(usage.trafficType)),
    further: furtherOf(usage),
  };
}

/** Vertex AI's word for a tier (ON_DEMAND, ON_DEMAND_FLEX, ON_DEMAND_PRIORITY, PROVISIONED_THROUGHPUT). */
function tierOfTraffic(type: string | undefined): string | undefined {
  return type === "TRAFFIC_TYPE_UNSPECIFIED" ? undefined : type?.toLowerCase().replace(/^on_demand_/, "");
}

/** Kinds of tokens that are told apart. A document is read as images of its pages; text is the rest. */
const modalities: Readonly<Record<string, "Audio" | "Image" | "Video">> = {
  AUDIO: "Audio",
  IMAGE: "Image",
  DOCUMENT: "Image",
  VIDEO: "Video",
};

/** Where the kinds of a part are told. */
const details = {
  promptTokensDetails: "input",
  toolUsePromptTokensDetails: "input",
  cacheTokensDetails: "cached",
  candidatesTokensDetails: "output",
} as const;

function furtherOf(usage: JsonObject): FurtherCounts | undefined {
  let further: FurtherCounts | undefined;
  for (const [name, side] of Object.entries(details)) {
    for (const raw of asArray(usage[name])) {
      const { modality, tokenCount } = asObject(raw) ?? {};
      const kind =
        typeof modality === "string" && Object.hasOwn(modalities, modality) ? modalities[modality] : undefined;
      if (kind !== undefined) further = withCount(further, `${side}${kind}`, tokenCount);
    }
  }
  return further;
}
