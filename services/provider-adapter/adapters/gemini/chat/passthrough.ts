import { estimateTextTokens } from "../../../../../shared/estimate/text.ts";
import { outputTokensOf } from "../../../../../shared/money/usage.ts";
import { shorten } from "../../../../../shared/shorten.ts";
import type { AnswerFacts, Asked, Exchange, StreamTranslation } from "../../../domain/exchange.ts";
import { estimatedInput } from "../../../domain/input-estimate.ts";
import { latencyCheckpoint } from "../../../domain/latency.ts";
import { createNotes } from "../../../domain/notes.ts";
import { isTierPriced } from "../../../domain/service-tier.ts";
import { finishReasonOf } from "../../../modules/chat/gemini/finish-reasons.ts";
import { responseIdOf } from "../../../modules/chat/gemini/format-name.ts";
import { writeGenerated } from "../../../modules/chat/gemini/write-answer.ts";
import type { NeutralAnswer } from "../../../modules/chat/neutral/answer.ts";
import { isContent } from "../../../modules/chat/neutral/content.ts";
import { deliveredBy } from "../../../modules/chat/neutral/delivered.ts";
import { createAnswerFold } from "../../../modules/chat/neutral/fold.ts";
import { usageOf } from "../../../modules/chat/neutral/usage.ts";
import { maxKeptText } from "../../../modules/chat/unread.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject } from "../../../wire/json.ts";
import { type FieldPatch, fieldValue, patchJson } from "../../../wire/patch-json.ts";
import { writeDocument } from "../../../wire/too-deep.ts";
import { inBandFailure } from "../errors.ts";
import type { GeminiFlavour } from "../flavour.ts";
import { type Generation, generationOf } from "../models.ts";
import { readGeminiAnswer } from "./read-answer.ts";
import { createChunkReader } from "./read-stream.ts";
import { pathTo } from "./write-request.ts";

/** Longest ID of an upstream, in characters. */
const maxIdLength = 256;

/** The client's request to an upstream that speaks its format: bytes go on, only what must change is changed. */
export function geminiPassthrough(asked: Asked, flavour: GeminiFlavour): Exchange {
  const notes = createNotes();
  const generation = generationOf(flavour.like ?? asked.upstreamModel);
  const verb = asked.stream ? "streamGenerateContent?alt=sse" : "generateContent";
  const messageId = responseIdOf(asked.requestId);
  return {
    message: {
      path: pathTo(flavour, asked.upstreamModel, verb),
      headers: {},
      body: patchJson(asked.body, patchOf(asked, flavour, notes.note)),
    },
    notes: notes.list(),
    whole(body) {
      const answer = readGeminiAnswer(body, generation);
      return {
        body: patchJson(body, { responseId: JSON.stringify(messageId) }),
        usage: usageOf(answer.usage, false, {
          asked,
          input: () => estimatedInput(asked),
          delivered: () => deliveredBy(answer),
        }),
        finishReason: finishIn(answer),
        messageId,
        responseModel: answer.model,
        upstreamRequestId: idOf(answer.upstreamId),
      };
    },
    stream: () => passStream(asked, messageId, generation),
  };
}

/** The name of the model is in the path. Service above the standard is not what the model's price is for. */
function patchOf(
  { body, prices }: Asked,
  { premium, safetySettings }: GeminiFlavour,
  note: (text: string) => void,
): FieldPatch {
  const patch: Record<string, string | undefined> = {};
  for (const name of ["serviceTier", "service_tier"]) {
    const tier = fieldValue(body, name);
    if (typeof tier !== "string" || tier.toLowerCase() !== "priority") continue;
    if (premium || isTierPriced(prices, "priority")) continue;
    patch[name] = undefined;
    note("serviceTier priority dropped: it costs more than the model's price");
  }
  const isSafe = ["safetySettings", "safety_settings"].some((name) => fieldValue(body, name) !== undefined);
  if (!isSafe && safetySettings.length > 0) patch.safetySettings = JSON.stringify(safetySettings);
  if (fieldValue(body, "model") !== undefined) patch.model = undefined;
  return patch;
}

function passStream(asked: Asked, messageId: string, generation: Generation): StreamTranslation {
  const fold = createAnswerFold(estimateTextTokens, asked.keepResponse ? maxKeptText : 0);
  const reader = createChunkReader(false, generation);
  const ours = { responseId: JSON.stringify(messageId) };
  let content = false;
  let upstreamId: string | undefined;

  const usage = () =>
    usageOf(fold.usage(), fold.partialUsage(), {
      asked,
      input: () => estimatedInput(asked),
      delivered: fold.delivered,
    });

  function facts(): AnswerFacts {
    const finishReason = finishIn(fold.answer());
    return { usage: usage(), finishReason, messageId, responseModel: fold.model(), upstreamRequestId: upstreamId };
  }

  return {
    event({ data }) {
      if (data === "" || data.startsWith("[DONE]")) return "";
      const parsed = parseExact(data);
      const inList = asArray(parsed)[0];
      const chunk = asObject(parsed) ?? asObject(inList);
      if (chunk === undefined) throw inBandFailure({ message: "it sent a chunk that is not valid JSON" });
      let holds = false;
      reader.read(chunk, (step) => {
        fold.add(step);
        if (step.type === "start") upstreamId ??= idOf(step.upstreamId);
        else if (step.type !== "usage") holds ||= isContent(step);
      });
      content ||= holds;
      const text = inList === undefined ? data : JSON.stringify(inList);
      return `data: ${Buffer.from(patchJson(Buffer.from(text), ours)).toString()}\n\n`;
    },
    hasContent() {
      return content;
    },
    // Nothing stands at the end of this format's streams.
    end: () => "",
    isComplete() {
      return reader.isComplete();
    },
    facts,
    document(moments) {
      if (!asked.keepResponse) return { body: new Uint8Array(), truncated: false };
      const known = usage();
      const head = { id: messageId, createdUnixS: asked.createdUnixS, model: fold.model() || asked.upstreamModel };
      const latency = latencyCheckpoint(moments, Number(outputTokensOf(known)));
      return writeDocument(writeGenerated(fold.answer(), head, { usage: known, latency }), fold.truncated());
    },
    contentChunks() {
      return fold.contentSteps();
    },
    upstreamRequestId() {
      return upstreamId;
    },
  };
}

function finishIn({ choices: [choice] }: Pick<NeutralAnswer, "choices">): string {
  return choice?.finish === undefined ? "" : finishReasonOf(choice.finish);
}

function idOf(upstreamId: string | undefined): string | undefined {
  return upstreamId === undefined ? undefined : shorten(upstreamId, maxIdLength);
}
