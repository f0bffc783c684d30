import { asArray, asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";
import { type FurtherCounts, withCount } from "../neutral/further.ts";
import type { UsageCounts } from "../neutral/usage.ts";
import { vendorCounts } from "../openai-usage.ts";

/**
 * What a whole response says of its usage; undefined: nothing. Cached and written tokens are of the input, reasoning is of the
 * output. Tokens of images that the response had made are beside both (openai 7, responses.d.ts, `tool_usage`), so they are
 * added.
 *
 * @param body the request: a container that it names was opened before.
 */
export function countsIn(response: JsonObject, body: Uint8Array): UsageCounts | undefined {
  const usage = asObject(response.usage);
  const tools = asObject(response.tool_usage);
  const further = toolCounts(response, tools, usage, body);
  const tier = asString(response.service_tier);
  if (usage === undefined) return further === undefined ? undefined : { further, tier };
  const input = asObject(usage.input_tokens_details) ?? {};
  const counts = {
    input: countOf(usage.input_tokens),
    cached: countOf(input.cached_tokens),
    written: countOf(input.cache_write_tokens),
    output: countOf(usage.output_tokens),
    reasoning: countOf(asObject(usage.output_tokens_details)?.reasoning_tokens),
    tier,
    further: vendorCounts(usage, further),
  };
  const images = asObject(tools?.image_gen);
  return countOf(images?.total_tokens) && images !== undefined ? withImages(counts, images) : counts;
}

/** The counts with those of the images that were made. Without details all of the output is images. */
function withImages(counts: UsageCounts, images: JsonObject): UsageCounts {
  const output = countOf(images.output_tokens) ?? 0;
  const plus = (count: number | undefined, more: number) => (count === undefined ? undefined : count + more);
  const cached = asObject(images.cached_tokens_details);
  let further = withCount(counts.further, "inputImage", asObject(images.input_tokens_details)?.image_tokens);
  further = withCount(further, "cachedImage", cached?.cached_image_tokens);
  further = withCount(further, "outputImage", asObject(images.output_tokens_details)?.image_tokens ?? output);
  return {
    ...counts,
    input: plus(counts.input, countOf(images.input_tokens) ?? 0),
    cached: (counts.cached ?? 0) + (countOf(images.cached_tokens) ?? 0),
    output: plus(counts.output, output),
    further,
  };
}

/** Most containers of an answer that the request is searched for. */
const maxSought = 16;

/**
 * Calls of the vendor's tools that it bills (openai 7, responses.d.ts; OpenAI's price list).
 *
 * - Searches of the web: `tool_usage` counts those that are billed. Where it is not there, each call that searches is one;
 *   opening a page and looking in it cost nothing.
 * - Searches of files: each call.
 * - Running code: each container, but those that the request names.
 */
function toolCounts(
  response: JsonObject,
  tools: JsonObject | undefined,
  usage: JsonObject | undefined,
  body: Uint8Array,
): FurtherCounts | undefined {
  const searches = countOf(asObject(tools?.web_search)?.num_requests);
  let further = withCount(undefined, "webSearches", searches);
  // A vendor that counts the calls by itself is believed.
  const counted = asObject(usage?.server_side_tool_usage_details) !== undefined;
  const containers = new Set<string>();
  for (const raw of counted ? [] : asArray(response.output)) {
    const item = asObject(raw);
    if (item?.type === "web_search_call" && searches === undefined && isSearch(item)) {
      further = withCount(further, "webSearches", 1);
    } else if (item?.type === "file_search_call") further = withCount(further, "toolCalls", 1);
    else if (item?.type === "code_interpreter_call") containers.add(asString(item.container_id) ?? "");
  }
  const request = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  let sought = 0;
  for (const id of containers) {
    const named = id !== "" && sought++ < maxSought && request.includes(id);
    if (!named) further = withCount(further, "sessions", 1);
  }
  return further;
}

function isSearch({ action, status }: JsonObject): boolean {
  const type = asObject(action)?.type;
  return status !== "failed" && (type === undefined || type === "search");
}
