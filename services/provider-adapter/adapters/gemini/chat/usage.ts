import { type FurtherCounts, withCount } from "../../../modules/chat/neutral/further.ts";
import type { UsageCounts } from "../../../modules/chat/neutral/usage.ts";
import { asArray, asObject, countOf, type JsonObject } from "../../../wire/json.ts";

/**
 * The counts of `usageMetadata`. The prompt's count includes cached tokens, that of the candidates excludes thoughts;
 * what the vendor's own tools brought is input too (wire/gemini.md section 3). A count of 0 is left out, as protobuf's JSON
 * has it, so beside a prompt's count an absent one is 0.
 */
export function readUsage(usage: JsonObject): UsageCounts {
  const prompt = countOf(usage.promptTokenCount);
  const tools = countOf(usage.toolUsePromptTokenCount) ?? 0;
  const visible = prompt !== undefined && usage.candidatesTokenCount === undefined ? 0 : usage.candidatesTokenCount;
  const further = furtherOf(usage);
  const counts = {
    input: prompt === undefined ? undefined : prompt + tools,
    cached: countOf(usage.cachedContentTokenCount),
    visible: countOf(visible),
    reasoning: countOf(usage.thoughtsTokenCount),
  };
  return further === undefined ? counts : { ...counts, further };
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
