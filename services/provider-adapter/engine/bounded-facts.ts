import { shorten } from "../../../shared/shorten.ts";
import type { AnswerFacts } from "../domain/exchange.ts";

/** Longest name that an upstream's answer gives, in characters. */
const maxNameLength = 256;

/** What is known of an answer, with the names that its upstream chose as short as records and spans take them. */
export function boundedFacts(facts: AnswerFacts): AnswerFacts {
  const { usage, finishReason, messageId, responseModel, upstreamRequestId } = facts;
  return {
    usage,
    finishReason: shorten(finishReason, maxNameLength),
    messageId,
    responseModel: shorten(responseModel, maxNameLength),
    upstreamRequestId,
  };
}
