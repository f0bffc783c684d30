import { estimateTextTokens } from "../../../../../shared/estimate/text.ts";
import { outputTokensOf } from "../../../../../shared/money/usage.ts";
import { errorIn, errorOfEvent } from "../../../domain/error-in-answer.ts";
import type { AnswerFacts, Asked, StreamTranslation } from "../../../domain/exchange.ts";
import { estimatedInput } from "../../../domain/input-estimate.ts";
import { latencyCheckpoint, type Moments } from "../../../domain/latency.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { holdsContent, saysContent } from "../content.ts";
import { createTokenCount } from "../neutral/delivered.ts";
import { createCountSum, usageOf } from "../neutral/usage.ts";
import { countsIn, writeOpenaiUsage } from "../openai-usage.ts";
import { createUnread, maxKeptText } from "../unread.ts";

interface FoldedChoice {
  readonly pieces: string[];
  finishReason: string;
}

/**
 * A stream whose upstream speaks the client's own dialect. Chunks go on as they come, but for their ID, which becomes ours
 * by a search in the text; parsed on their way are only the first, one with usage and one with an error.
 */
export function createCompletionsPassthrough(
  asked: Asked,
  completionId: string,
  toError: (error: JsonObject) => Error,
  maxText = asked.keepResponse ? maxKeptText : 0,
): StreamTranslation {
  const choices = new Map<number, FoldedChoice>();
  let textLength = 0;
  const visible = createTokenCount(estimateTextTokens);
  const thinking = createTokenCount(estimateTextTokens);
  let contentChunks = 0;
  let oldId: string | undefined;
  let model = "";
  let created = asked.createdUnixS;
  const counts = createCountSum();
  let upstreamUsage: JsonObject | undefined;
  let done = false;
  let finished = false;
  let content = false;

  const unread = createUnread((chunks) => {
    for (const data of chunks) {
      for (const raw of asArray(asObject(parseJson(data))?.choices)) {
        const given = asObject(raw);
        if (given === undefined) continue;
        const { index, text, finish_reason: finish } = given;
        const number = typeof index === "number" ? index : 0;
        const choice = choices.get(number) ?? { pieces: [], finishReason: "" };
        choices.set(number, choice);
        choice.finishReason = asString(finish) ?? choice.finishReason;
        thinking.add(asString(given.reasoning_content) ?? asString(given.reasoning) ?? "");
        if (typeof text !== "string" || text === "") continue;
        contentChunks++;
        visible.add(text);
        textLength += text.length;
        if (textLength <= maxText) choice.pieces.push(text);
      }
    }
  });

  /** Parses a chunk in which something has to change; gives the text to send. */
  function inspect(data: string): string {
    const chunk = asObject(parseJson(data));
    if (chunk === undefined) throw toError({ message: "The upstream sent a chunk that is not valid JSON." });
    const error = errorIn(chunk);
    if (error !== undefined) {
      const told = countsIn(chunk);
      if (told !== undefined) counts.add(told, false);
      throw toError(error);
    }
    if (asString(chunk.id)) oldId = JSON.stringify(chunk.id);
    model ||= asString(chunk.model) ?? "";
    if (typeof chunk.created === "number") created = chunk.created;
    content ||= holdsContent(spokenIn(chunk));
    const found = asObject(chunk.usage);
    const read = countsIn(chunk, found);
    const list = asArray(chunk.choices);
    if (found !== undefined) finished ||= list.some((choice) => Boolean(asObject(choice)?.finish_reason));
    // Some vendors count along with every chunk.
    if (read !== undefined) counts.add(read, list.length > 0 && !finished);
    if (found !== undefined) {
      upstreamUsage = Object.assign(upstreamUsage ?? {}, found);
      if (list.length === 0) return "";
    }
    unread.add(data);
    const { usage: _usage, ...rest } = chunk;
    return `data: ${JSON.stringify({ ...rest, id: completionId })}\n\n`;
  }

  function facts(): AnswerFacts {
    unread.takeIn();
    return {
      usage: usageOf(counts.counts(), counts.isPartial(), {
        asked,
        input: () => estimatedInput(asked),
        delivered: () => ({ visible: visible.total(), thinking: thinking.total() }),
      }),
      finishReason: choices.get(0)?.finishReason ?? "",
      messageId: completionId,
      responseModel: model,
    };
  }

  function frame(moments: Moments, list: readonly JsonObject[]): string {
    const known = facts();
    const latency = latencyCheckpoint(moments, Number(outputTokensOf(known.usage)));
    return JSON.stringify({
      id: completionId,
      object: "text_completion",
      created,
      model: model || asked.upstreamModel,
      choices: list,
      usage: writeOpenaiUsage(known.usage, upstreamUsage, latency),
    });
  }

  return {
    event({ event, data }) {
      if (event === "error") throw toError(errorOfEvent(data));
      if (data.startsWith("[DONE]")) {
        done = true;
        return "";
      }
      if (data === "") return "";
      if (oldId === undefined || /"(usage|error)"\s*:\s*[^n\s]/.test(data) || !data.endsWith("}")) return inspect(data);
      const at = data.indexOf(oldId);
      if (at < 0) return inspect(data);
      content ||= saysContent(data, spokenIn);
      unread.add(data);
      return `data: ${data.slice(0, at)}"${completionId}"${data.slice(at + oldId.length)}\n\n`;
    },
    hasContent() {
      return content;
    },
    end(moments) {
      return asked.includeUsage ? `data: ${frame(moments, [])}\n\ndata: [DONE]\n\n` : "data: [DONE]\n\n";
    },
    isComplete() {
      unread.takeIn();
      const ended = done || [...choices.values()].every(({ finishReason }) => finishReason !== "");
      return ended && choices.size > 0;
    },
    facts,
    document(moments) {
      if (!asked.keepResponse) return { body: new Uint8Array(), truncated: false };
      unread.takeIn();
      const list = [...choices].map(([index, { pieces, finishReason }]) => ({
        text: pieces.join(""),
        index,
        logprobs: null,
        finish_reason: finishReason || null,
      }));
      return { body: Buffer.from(frame(moments, list)), truncated: textLength > maxText };
    },
    contentChunks() {
      unread.takeIn();
      return contentChunks;
    },
  };
}

/** What the choices of a chunk say. */
function spokenIn(chunk: JsonObject): readonly unknown[] {
  return asArray(chunk.choices).flatMap((raw) => {
    const { text, reasoning_content: thinking, reasoning } = asObject(raw) ?? {};
    return [text, thinking, reasoning];
  });
}
