import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { noUsage } from "../../../../shared/money.ts";
import { type Asked, type Exchange, wholeExchange } from "../../domain/exchange.ts";
import { estimatedInput } from "../../domain/input-estimate.ts";
import { createNotes } from "../../domain/notes.ts";
import { liftValues } from "../../wire/lift-values.ts";
import type { EmbeddingsAnswer, EmbeddingsFormat, EmbeddingsRequest } from "./neutral.ts";
import { readRequest, writeAnswer, writeDocument } from "./openai-embeddings.ts";
import { badVectors, floatsOf, shortened, type Vector, vectorOf } from "./vector.ts";

/** The exchange between a client of /v1/embeddings and an upstream's format. */
export function embeddingsExchange(asked: Asked, format: EmbeddingsFormat): Exchange {
  const notes = createNotes();
  const request = readRequest(asked.body);
  checkFits(request, format);
  return wholeExchange({
    message: format.write(request, asked.body, notes.note),
    notes: notes.list(),
    whole(body) {
      const lifted = liftValues(body);
      if (lifted === undefined) throw badVectors("the answer is not valid JSON of finite numbers");
      const answer = format.read(lifted);
      const vectors = asAsked(checked(answer.vectors, request), request);
      const usage = usageOf(answer, asked);
      const head = { model: answer.model || asked.upstreamModel, usage };
      return {
        body: writeAnswer(vectors, head),
        ...(asked.keepResponse ? { document: writeDocument(vectors, head) } : {}),
        usage,
        finishReason: "",
        messageId: "",
        responseModel: answer.model,
      };
    },
  });
}

/** Throws invalid_value for what this upstream cannot be asked in one call; another channel may be able to. */
function checkFits({ inputs }: EmbeddingsRequest, { maxInputs, takesTokens }: EmbeddingsFormat): void {
  if (maxInputs > 0 && inputs.length > maxInputs) {
    const message = `input has ${inputs.length} entries; this model takes at most ${maxInputs} in one request.`;
    throw new ThroughlineError("invalid_value", message, { param: "input" });
  }
  if (!takesTokens && inputs.some((input) => typeof input !== "string")) {
    throw new ThroughlineError("invalid_value", "This model takes texts, not tokens.", { param: "input" });
  }
}

/** As many vectors as inputs, all of one length, and none shorter than was asked for. */
function checked(vectors: readonly Vector[], { inputs, dimensions }: EmbeddingsRequest): readonly Vector[] {
  if (vectors.length !== inputs.length) {
    throw badVectors(`there are ${vectors.length} of them for ${inputs.length} inputs`);
  }
  const length = vectors[0]?.dimensions ?? 0;
  if (vectors.some((vector) => vector.dimensions !== length)) throw badVectors("their lengths differ");
  if (dimensions !== undefined && dimensions > length) {
    const message = `dimensions is ${dimensions}; this model gives vectors of ${length}.`;
    throw new ThroughlineError("invalid_value", message, { param: "dimensions" });
  }
  return vectors;
}

/** The vectors in the client's encoding and length. What is so already keeps its bytes. */
function asAsked(vectors: readonly Vector[], { dimensions, encoding }: EmbeddingsRequest): readonly Vector[] {
  return vectors.map((vector) => {
    const isShort = dimensions === undefined || vector.dimensions === dimensions;
    if (isShort && vector.encoding === encoding) return vector;
    const floats = floatsOf(vector);
    return vectorOf(isShort ? floats : shortened(floats, dimensions), encoding);
  });
}

/** Every request has an input, so one of 0 was not counted. */
function usageOf({ usage }: EmbeddingsAnswer, asked: Asked) {
  const isCounted = usage !== undefined && (usage.inputTokens > 0n || (usage.more?.length ?? 0) > 0);
  if (isCounted) return { ...usage, estimated: false };
  return { ...noUsage, inputTokens: BigInt(estimatedInput(asked)), estimated: true };
}
