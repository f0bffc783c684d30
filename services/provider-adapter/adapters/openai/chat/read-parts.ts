import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { Citation, Finish, RefusalReason } from "../../../modules/chat/neutral/answer.ts";
import { sourceOfUrl } from "../../../modules/chat/neutral/media.ts";
import { usualFinish } from "../../../modules/chat/openai-chat/vendor-words.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";

const finishes: Readonly<Record<string, Finish>> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool_calls",
  function_call: "tool_calls",
  content_filter: "content_filter",
};

/** The finish of a vendor's word; undefined: none yet. Throws where the vendor says that it failed. */
export function finishOf(word: unknown, flavour: OpenaiFlavour): Finish | undefined {
  if (typeof word !== "string" || word === "") return undefined;
  return finishes[usualFinish(word, flavour)] ?? "stop";
}

/** What Azure says of the filter that ended a choice; undefined: nothing. */
export function refusedOf(choice: JsonObject): RefusalReason | undefined {
  const results = asObject(choice.content_filter_results) ?? asObject(choice.content_filter_result) ?? {};
  const kinds = Object.entries(results).filter(([, result]) => asObject(result)?.filtered === true);
  return kinds.length === 0 ? undefined : { category: kinds.map(([kind]) => kind).join(", ") };
}

/** Images of an answer as OpenRouter gives them: data URLs. One that is an address only is left out. */
export function imagesOf(message: JsonObject): { mediaType: string; data: string }[] {
  return asArray(message.images).flatMap((raw) => {
    const source = sourceOfUrl(asString(asObject(asObject(raw)?.image_url)?.url) ?? "");
    return source?.kind === "data" ? [source] : [];
  });
}

/** Sources of an answer. */
export function citationsOf(message: JsonObject): Citation[] {
  return asArray(message.annotations).flatMap((raw) => {
    const cited = asObject(asObject(raw)?.url_citation);
    const url = asString(cited?.url);
    if (cited === undefined || url === undefined) return [];
    return [
      {
        url,
        title: asString(cited.title) ?? "",
        start: typeof cited.start_index === "number" ? cited.start_index : undefined,
        end: typeof cited.end_index === "number" ? cited.end_index : undefined,
        quote: asString(cited.content),
      },
    ];
  });
}
