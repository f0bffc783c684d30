import type { Condition } from "../../../shared/money/prices.ts";
import { Unit } from "../../../shared/units.ts";

/** How a price of the maintained table becomes one of ours. */
export interface TableName {
  /** Name of the price in the table. */
  readonly name: string;
  readonly unit: Unit;
  /** For how many of the unit's divisors the table's price is: an hour is 3,600 seconds. */
  readonly per: bigint;
  /** Absent: always. */
  readonly when?: Condition;
  /** True: it holds where a model has no narrower price of the unit, and else is no price of the unit at all. */
  readonly isGeneral?: true;
}

const hour = 3_600n;
const thousand = 1_000n;
/** The table prices 10^9 pixels, and our unit is a thousand of them. */
const gigapixel = 1_000_000n;
const annotated: Condition = { aboveInputTokens: 0n, traits: { variant: "annotated" } };

/** Every name of the table that has a unit, the narrower of a unit's names first: of those that a model has the first holds. */
export const tableNames: readonly TableName[] = [
  { name: "input_text_mtok", unit: Unit.INPUT_TOKENS, per: 1n },
  { name: "input_mtok", unit: Unit.INPUT_TOKENS, per: 1n, isGeneral: true },
  { name: "cache_text_read_mtok", unit: Unit.CACHED_INPUT_TOKENS, per: 1n },
  { name: "cache_read_mtok", unit: Unit.CACHED_INPUT_TOKENS, per: 1n, isGeneral: true },
  { name: "cache_text_write_5m_mtok", unit: Unit.CACHE_WRITE_TOKENS, per: 1n },
  { name: "cache_write_5m_mtok", unit: Unit.CACHE_WRITE_TOKENS, per: 1n, isGeneral: true },
  { name: "cache_text_write_mtok", unit: Unit.CACHE_WRITE_TOKENS, per: 1n, isGeneral: true },
  { name: "cache_write_mtok", unit: Unit.CACHE_WRITE_TOKENS, per: 1n, isGeneral: true },
  { name: "output_text_mtok", unit: Unit.OUTPUT_TOKENS, per: 1n },
  { name: "output_mtok", unit: Unit.OUTPUT_TOKENS, per: 1n, isGeneral: true },
  { name: "output_text_reasoning_mtok", unit: Unit.REASONING_TOKENS, per: 1n },
  { name: "output_reasoning_mtok", unit: Unit.REASONING_TOKENS, per: 1n, isGeneral: true },
  { name: "audio_hours", unit: Unit.AUDIO_MS, per: hour },
  { name: "input_mchars", unit: Unit.CHARACTERS, per: 1n },
  { name: "requests_kcount", unit: Unit.REQUESTS, per: thousand },
  { name: "cache_text_write_1h_mtok", unit: Unit.CACHE_WRITE_1H_TOKENS, per: 1n },
  { name: "cache_write_1h_mtok", unit: Unit.CACHE_WRITE_1H_TOKENS, per: 1n, isGeneral: true },
  { name: "input_image_mtok", unit: Unit.INPUT_IMAGE_TOKENS, per: 1n },
  { name: "input_mtok", unit: Unit.INPUT_IMAGE_TOKENS, per: 1n, isGeneral: true },
  { name: "cache_image_read_mtok", unit: Unit.CACHED_INPUT_IMAGE_TOKENS, per: 1n },
  { name: "cache_read_mtok", unit: Unit.CACHED_INPUT_IMAGE_TOKENS, per: 1n, isGeneral: true },
  { name: "output_image_mtok", unit: Unit.OUTPUT_IMAGE_TOKENS, per: 1n },
  { name: "output_mtok", unit: Unit.OUTPUT_IMAGE_TOKENS, per: 1n, isGeneral: true },
  { name: "input_audio_mtok", unit: Unit.INPUT_AUDIO_TOKENS, per: 1n },
  { name: "input_mtok", unit: Unit.INPUT_AUDIO_TOKENS, per: 1n, isGeneral: true },
  { name: "cache_audio_read_mtok", unit: Unit.CACHED_INPUT_AUDIO_TOKENS, per: 1n },
  { name: "cache_read_mtok", unit: Unit.CACHED_INPUT_AUDIO_TOKENS, per: 1n, isGeneral: true },
  { name: "output_audio_mtok", unit: Unit.OUTPUT_AUDIO_TOKENS, per: 1n },
  { name: "output_mtok", unit: Unit.OUTPUT_AUDIO_TOKENS, per: 1n, isGeneral: true },
  { name: "input_video_mtok", unit: Unit.INPUT_VIDEO_TOKENS, per: 1n },
  { name: "input_mtok", unit: Unit.INPUT_VIDEO_TOKENS, per: 1n, isGeneral: true },
  { name: "output_video_mtok", unit: Unit.OUTPUT_VIDEO_TOKENS, per: 1n },
  { name: "output_mtok", unit: Unit.OUTPUT_VIDEO_TOKENS, per: 1n, isGeneral: true },
  { name: "input_gpixels", unit: Unit.INPUT_KILOPIXELS, per: gigapixel },
  { name: "input_audio_hours", unit: Unit.INPUT_AUDIO_MS, per: hour },
  { name: "output_audio_hours", unit: Unit.OUTPUT_AUDIO_MS, per: hour },
  { name: "input_document_kpages", unit: Unit.PAGES, per: thousand },
  { name: "input_annotated_document_kpages", unit: Unit.PAGES, per: thousand, when: annotated },
  { name: "rerank_searches_kcount", unit: Unit.SEARCHES, per: thousand },
  { name: "web_searches_kcount", unit: Unit.WEB_SEARCHES, per: thousand },
  { name: "code_executions_kcount", unit: Unit.TOOL_CALLS, per: thousand },
  { name: "storage_searches_kcount", unit: Unit.TOOL_CALLS, per: thousand },
  { name: "social_searches_kcount", unit: Unit.TOOL_CALLS, per: thousand },
];

/** Why prices of the table are left out; docs/billing.md shows the reasons. */
const reasons = {
  cacheWrite: "writes to a cache are counted together, whatever they hold",
  cachedVideo: "cached video is counted with the cached input",
  tool: "what a tool gives the model is counted with the input",
  reasoning: "reasoning is counted together, whatever it is about",
  citation: "citations are counted with the output",
  messages: "no endpoint counts messages",
} as const;

/** Every name of the table that has no unit, and why. A model with such a price brings a warning. */
export const leftOutNames: Readonly<Record<string, string>> = {
  cache_audio_write_mtok: reasons.cacheWrite,
  cache_audio_write_5m_mtok: reasons.cacheWrite,
  cache_audio_write_1h_mtok: reasons.cacheWrite,
  cache_image_write_mtok: reasons.cacheWrite,
  cache_image_write_5m_mtok: reasons.cacheWrite,
  cache_image_write_1h_mtok: reasons.cacheWrite,
  cache_video_write_mtok: reasons.cacheWrite,
  cache_video_write_5m_mtok: reasons.cacheWrite,
  cache_video_write_1h_mtok: reasons.cacheWrite,
  cache_video_read_mtok: reasons.cachedVideo,
  input_tool_mtok: reasons.tool,
  input_text_tool_mtok: reasons.tool,
  input_audio_tool_mtok: reasons.tool,
  input_image_tool_mtok: reasons.tool,
  input_video_tool_mtok: reasons.tool,
  output_audio_reasoning_mtok: reasons.reasoning,
  output_image_reasoning_mtok: reasons.reasoning,
  output_video_reasoning_mtok: reasons.reasoning,
  output_citation_mtok: reasons.citation,
  output_text_citation_mtok: reasons.citation,
  output_audio_citation_mtok: reasons.citation,
  output_image_citation_mtok: reasons.citation,
  output_video_citation_mtok: reasons.citation,
  input_text_messages_kcount: reasons.messages,
};
