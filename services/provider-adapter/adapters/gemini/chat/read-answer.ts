import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import type { NeutralAnswer } from "../../../modules/chat/neutral/answer.ts";
import { createAnswerFold } from "../../../modules/chat/neutral/fold.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asObject } from "../../../wire/json.ts";
import { errorOf } from "../errors.ts";
import type { Generation } from "../models.ts";
import { createChunkReader } from "./read-stream.ts";

/** Reads a whole answer: a stream of one chunk. Throws a ThroughlineError when it is none. */
export function readGeminiAnswer(body: Buffer, generation: Generation): NeutralAnswer {
  const parsed = parseExact(body.toString());
  const error = errorOf(parsed);
  const answer = error === undefined ? asObject(parsed) : { error };
  if (answer === undefined) throw new ThroughlineError("upstream_error", "The upstream's answer is not a JSON object.");
  const reader = createChunkReader(true, generation);
  // Tokens are counted by whoever needs them, and nothing is cut.
  const fold = createAnswerFold(() => 0, Number.POSITIVE_INFINITY);
  let upstreamId: string | undefined;
  reader.read(answer, (step) => {
    if (step.type === "start") upstreamId = step.upstreamId;
    fold.add(step);
  });
  const folded = fold.answer();
  if (folded.choices.length === 0) throw new ThroughlineError("upstream_error", "The upstream gave no answer.");
  return { ...folded, upstreamId };
}
