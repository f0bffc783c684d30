import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { noUsage } from "../../../../shared/money/usage.ts";
import { errorIn } from "../../domain/error-in-answer.ts";
import { type Asked, type Exchange, wholeExchange } from "../../domain/exchange.ts";
import { estimatedInput } from "../../domain/input-estimate.ts";
import { createNotes } from "../../domain/notes.ts";
import { asObject } from "../../wire/json.ts";
import { liftValues } from "../../wire/lift-values.ts";
import type { EmbeddingsDialect } from "./dialect.ts";
import { dialects } from "./dialects.ts";
import type { EmbeddingsAnswer, EmbeddingsFormat, EmbeddingsRequest } from "./neutral.ts";
import { badVectors, floatsOf, shortened, type Vector, vectorOf } from "./vector.ts";
import { writeDocument } from "./write-answer.ts";

/** The exchanges between the client dialects of the module and an upstream's format. */
export function embeddingsExchanges(
  formatOf: (upstreamModel: string) => EmbeddingsFormat,
): Record<string, (asked: Asked) => Exchange> {
  return Object.fromEntries(
    dialects.map((dialect) => [dialect.name, (asked) => exchangeOf(asked, formatOf(asked.upstreamModel), dialect)]),
  );
}

function exchangeOf(asked: Asked, format: EmbeddingsFormat, dialect: EmbeddingsDialect): Exchange {
  const { note, list } = createNotes();
  const request = dialect.read(asked.body);
  checkFits(request, format);
  return wholeExchange({
    message: format.write(request, asked.upstreamModel, note),
    notes: list(),
    whole(body) {
      const answer = answerIn(body, format);
      const vectors = asAsked(checked(answer.vectors, request), request, format);
      const usage = usageOf(answer, asked);
      const head = { model: answer.model || asked.upstreamModel, usage };
      return {
        body: dialect.write(vectors, head, asked.body),
        ...(asked.keepResponse ? { document: writeDocument(vectors, head) } : {}),
        usage,
        finishReason: "",
        messageId: "",
        responseModel: answer.model,
        upstreamRequestId: answer.id,
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
    throw new ThroughlineError("invalid_value", "input must be texts: this model takes no tokens.", { param: "input" });
  }
}

function answerIn(body: Buffer, format: EmbeddingsFormat): EmbeddingsAnswer {
  const lifted = liftValues(body);
  if (lifted === undefined) throw badVectors("the answer is not valid JSON, or a number is not finite");
  const error = errorIn(asObject(lifted.value) ?? {});
  if (error !== undefined) throw format.inBandError(error);
  return format.read(lifted);
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
function asAsked(
  vectors: readonly Vector[],
  { dimensions, encoding }: EmbeddingsRequest,
  { normalises }: EmbeddingsFormat,
): readonly Vector[] {
  return vectors.map((vector) => {
    const isReady = dimensions === undefined || (vector.dimensions === dimensions && normalises);
    if (isReady && vector.encoding === encoding) return vector;
    const floats = floatsOf(vector);
    return vectorOf(isReady ? floats : shortened(floats, dimensions), encoding);
  });
}

/** Every request has an input, so one of 0 was not counted. */
function usageOf({ usage }: EmbeddingsAnswer, asked: Asked) {
  const counted = usage ?? noUsage;
  if (counted.inputTokens > 0n) return { ...counted, estimated: false };
  return { ...counted, inputTokens: BigInt(estimatedInput(asked)), estimated: true };
}
