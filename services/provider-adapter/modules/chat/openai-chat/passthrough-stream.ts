import { estimateTextTokens } from "../../../../../shared/estimate/text.ts";
import { outputTokensOf } from "../../../../../shared/money/usage.ts";
import { errorIn, errorOfEvent } from "../../../domain/error-in-answer.ts";
import type { AnswerFacts, Asked, StreamTranslation, UpstreamEvent } from "../../../domain/exchange.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { latencyCheckpoint } from "../../../domain/latency.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { writeDocument } from "../../../wire/too-deep.ts";
import { holdsContent, saysContent } from "../content.ts";
import { createCountSum, usageOf } from "../neutral/usage.ts";
import { countsIn, writeOpenaiUsage } from "../openai-usage.ts";
import { createUnread, maxKeptText } from "../unread.ts";
import { chatMessageId, writeCompletion } from "./completion.ts";
import { createChatFold } from "./fold.ts";
import { createCallLabels, isHollow } from "./label-calls.ts";
import { finishIn, hasChunks, lacksFrame, says } from "./search-chunk.ts";
import { learnUsualChunk, type UsualChunk } from "./usual-chunk.ts";
import { choicesIn, inUsualWords } from "./vendor-words.ts";

/** So often a stream is looked at for what its usual chunk is: those of several choices take turns. */
const maxLessons = 16;
/** Characters of usual chunks that are read as one. */
const maxRunLength = 1024;

/**
 * A stream whose upstream speaks the client's own dialect. Chunks go on as they come, but for their ID, which becomes
 * ours by a search in the text. A chunk is parsed only when a search says that something in it must change: the first
 * one, one with usage, one with an error, one with words of the vendor's own. Usage reaches the client once, at the end,
 * and only when it asked for it.
 */
export function createChatPassthrough(
  asked: Asked,
  inputTokens: () => number,
  flavour: OpenaiFlavour,
  toolNameOf: (name: string) => string,
  maxText = asked.keepResponse ? maxKeptText : 0,
): StreamTranslation {
  const messageId = chatMessageId(asked.requestId);
  const fold = createChatFold(estimateTextTokens, maxText);
  // Where the answer is not kept, its chunks are only wanted if the upstream counts nothing, so most streams are never folded.
  const unread = createUnread(foldAll, asked.keepResponse ? undefined : 64 * 1024);
  let oldId: string | undefined;
  const labels = createCallLabels(flavour, toolNameOf);
  const counts = createCountSum();
  let upstreamUsage: JsonObject | undefined;
  let responseModel = "";
  let created = asked.createdUnixS;
  let done = false;
  let finishReason = "";
  let contentChunks = 0;
  let opened = false;
  let content = false;
  let usual: UsualChunk | undefined;
  let lessons = 0;
  /** Texts of usual chunks in a row, which are read as one. */
  let run = "";
  /** Choices that have ended, and texts in which some more did. They are read only where an end comes after another. */
  const over = new Set<number>();
  let endings: string[] = [];

  function foldAll(texts: readonly string[]): void {
    // One parse for all; where a chunk among them is no JSON, one by one.
    const all = parseJson(`[${texts.join(",")}]`);
    for (const value of Array.isArray(all) ? all : texts.map(parseJson)) {
      const chunk = asObject(value);
      if (chunk !== undefined) fold.add(chunk);
    }
  }

  /** Parses a chunk in which something may have to change; gives the text to send. */
  function inspect(data: string): string {
    const chunk = asObject(parseJson(data));
    if (chunk === undefined)
      throw flavour.streamError({ message: "The upstream sent a chunk that is not valid JSON." });
    const error = errorIn(chunk);
    if (error !== undefined) {
      const told = countsIn(chunk);
      if (told !== undefined) counts.add(told, false);
      throw flavour.streamError(error);
    }
    if (asString(chunk.id)) oldId = JSON.stringify(chunk.id);
    if (responseModel === "") {
      responseModel = asString(chunk.model) ?? "";
      if (typeof chunk.created === "number") created = chunk.created;
    }
    const choices = asArray(chunk.choices);
    const found = asObject(chunk.usage) ?? asObject(asObject(choices[0])?.usage);
    const read = countsIn(chunk, found);
    // Some vendors count along with every chunk.
    if (read !== undefined) counts.add(read, choices.length > 0 && finishReason === "" && finishIn(data) === "");
    if (found !== undefined) {
      upstreamUsage = Object.assign(upstreamUsage ?? {}, found);
      if (choices.length === 0) return "";
      delete chunk.usage;
    }
    chunk.id = messageId;
    if (choices.length > 0) {
      const own = withoutSecondEnds(choicesIn(choices));
      const labelled = own.map((choice) => labels.label(inUsualWords(choice, flavour)));
      if (own.length === 0 || (opened && data.includes('"tool_calls"') && isHollow(labelled))) return "";
      chunk.choices = labelled;
    }
    content ||= holdsContent(spokenIn(chunk));
    const text = JSON.stringify(chunk);
    keep(text, finishIn(text));
    return `data: ${text}\n\n`;
  }

  /** What ends a choice that has ended changes nothing: the client goes by the last word that it hears. */
  function withoutSecondEnds(choices: JsonObject[]): JsonObject[] {
    if (finishReason === "" || !choices.some(({ finish_reason: finish }) => finish)) return choices;
    for (const text of endings) {
      for (const choice of choicesIn(asObject(parseJson(text))?.choices)) {
        if (choice.finish_reason) over.add(numberOf(choice));
      }
    }
    endings = [];
    return choices.flatMap((choice) => {
      if (!choice.finish_reason || !over.has(numberOf(choice))) return [choice];
      const rest = { ...choice, finish_reason: null };
      return holdsContent(spokenIn({ choices: [rest] })) ? [rest] : [];
    });
  }

  function keep(data: string, finish: string): void {
    // The first chunk has a role and, as a rule, no text.
    if (finish === "") contentChunks += opened ? 1 : 0;
    else {
      finishReason ||= finish;
      endings.push(data);
    }
    opened = true;
    endRun();
    unread.add(data);
  }

  /** What stands before anything else that is kept. */
  function endRun(): void {
    if (run !== "" && usual !== undefined) unread.add(usual.asSaid(run));
    run = "";
  }

  function takeIn(): void {
    endRun();
    unread.takeIn();
  }

  /** A chunk that is like those before it but for its text; undefined: it is another one. */
  function passUsual(data: string): string | undefined {
    const text = usual?.textIn(data);
    if (usual === undefined || text === undefined) return undefined;
    contentChunks += 1;
    addToRun(text);
    return usual.forClient(data);
  }

  function addToRun(text: string): void {
    if (run.length + text.length > maxRunLength) endRun();
    run += text;
  }

  /** Learns what the chunks behind this one look like, which went on as it came. */
  function learn(data: string, id: string): void {
    if (!content || lessons >= maxLessons) return;
    lessons += 1;
    usual = learnUsualChunk(data, id, `"${messageId}"`) ?? usual;
  }

  function counted(): AnswerFacts["usage"] {
    return usageOf(counts.counts(), counts.isPartial(), {
      asked,
      input: inputTokens,
      delivered() {
        takeIn();
        return fold.delivered();
      },
    });
  }

  function facts(): AnswerFacts {
    return {
      usage: counted(),
      finishReason,
      messageId,
      responseModel,
    };
  }

  return {
    event({ event, data }: UpstreamEvent) {
      if (event === "error") throw flavour.streamError(errorOfEvent(data));
      const passed = passUsual(data);
      if (passed !== undefined) return passed;
      if (data.startsWith("[DONE]")) {
        done = true;
        return "";
      }
      if (data === "") return "";
      if (oldId === undefined || says(data, '"usage"') || says(data, '"error"')) return inspect(data);
      const finish = finishIn(data);
      const vendorWord = finish === "error" || Object.hasOwn(flavour.finishReasons, finish);
      const isSecondEnd = finish !== "" && finishReason !== "";
      if (vendorWord || isSecondEnd || says(data, '"reasoning"') || hasChunks(data) || lacksFrame(data)) {
        return inspect(data);
      }
      // The end of a text that was cut short is the one fault that is cheap to see.
      if (!data.endsWith("}") || !labels.areRight(data)) return inspect(data);
      // Its ID in quotes: in a text it would stand with backslashes, so nothing else of a chunk equals it.
      const at = data.indexOf(oldId);
      if (at < 0) return inspect(data);
      content ||= saysContent(data, spokenIn);
      keep(data, finish);
      if (finish === "") learn(data, oldId);
      return `data: ${data.slice(0, at)}"${messageId}"${data.slice(at + oldId.length)}\n\n`;
    },
    passBytes(piece, bytes) {
      const found = usual?.bytes();
      if (found?.read(piece) !== true) return undefined;
      contentChunks += found.count;
      addToRun(found.text);
      const passed = bytes.room(found.length);
      found.write(passed);
      return passed;
    },
    hasContent() {
      return content;
    },
    end(moments) {
      if (!asked.includeUsage) return "data: [DONE]\n\n";
      const known = facts();
      const outputTokens = Number(outputTokensOf(known.usage));
      const chunk = {
        id: messageId,
        object: "chat.completion.chunk",
        created,
        model: responseModel || asked.upstreamModel,
        choices: [],
        usage: writeOpenaiUsage(known.usage, upstreamUsage, latencyCheckpoint(moments, outputTokens)),
      };
      return `data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`;
    },
    isComplete() {
      if (done && finishReason !== "") return true;
      if (done) {
        takeIn();
        return fold.hasChoices();
      }
      if (finishReason === "") return false;
      takeIn();
      return fold.finished();
    },
    facts,
    document(moments) {
      if (!asked.keepResponse) return { body: new Uint8Array(), truncated: false };
      takeIn();
      const known = facts();
      const outputTokens = Number(outputTokensOf(known.usage));
      const completion = writeCompletion(
        { ...fold.completion(), usage: upstreamUsage },
        { id: messageId, created, model: responseModel || asked.upstreamModel },
        known.usage,
        latencyCheckpoint(moments, outputTokens),
      );
      return writeDocument(completion, fold.truncated());
    },
    contentChunks() {
      return contentChunks;
    },
  };
}

function numberOf({ index }: JsonObject): number {
  return typeof index === "number" ? index : 0;
}

/** What the choices of a chunk say. Some vendors name the speaker beside it. */
function spokenIn(chunk: JsonObject): readonly JsonObject[] {
  return asArray(chunk.choices).map((raw) => {
    const choice = asObject(raw) ?? {};
    const { name: _speaker, ...said } = asObject(choice.delta) ?? asObject(choice.message) ?? {};
    return said;
  });
}
