import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { moderationEstimate } from "../../../../shared/estimate/moderation.ts";
import { noUsage } from "../../../../shared/money/usage.ts";
import { errorIn } from "../../domain/error-in-answer.ts";
import { type Asked, type Exchange, type UpstreamMessage, wholeExchange } from "../../domain/exchange.ts";
import { createNotes, type Notes } from "../../domain/notes.ts";
import { asObject, type JsonObject, parseJson } from "../../wire/json.ts";
import { type ModerationRequest, readModerationRequest } from "./request.ts";
import { checkedVerdicts, type Verdict, type Verdicts } from "./verdicts.ts";

/** A wire format of upstreams that judge. */
export interface ModerationFormat {
  /** Throws invalid_value with the path of what the vendor cannot do. */
  write(request: ModerationRequest, upstreamModel: string, note: Notes["note"]): UpstreamMessage;
  /** Undefined: the answer is none. A verdict that is undefined is none. */
  read(top: JsonObject): (Omit<Verdicts, "results"> & { results: readonly (Verdict | undefined)[] }) | undefined;
  /** The failure of an error object inside an answer with status 200. */
  inBandError(error: JsonObject): ThroughlineError;
}

/** The dialect of the module's clients. */
export const moderationDialect = "openai.moderations";

/** The exchange between OpenAI's moderations, as clients speak them, and an upstream's format. */
export function moderationExchange(asked: Asked, format: ModerationFormat): Exchange {
  const { note, list } = createNotes();
  const request = readModerationRequest(asked.body);
  const id = `modr-${asked.requestId}`;
  return wholeExchange({
    message: format.write(request, asked.upstreamModel, note),
    notes: list(),
    whole(body) {
      const top = asObject(parseJson(body.toString()));
      const verdicts = top === undefined ? undefined : format.read(top);
      if (verdicts === undefined) throw noVerdict(top, format);
      const results = checkedVerdicts(verdicts.results, request.inputs.length);
      const tokens = verdicts.tokens ?? (asked.estimatedInputTokens || moderationEstimate(request.given).all);
      const model = verdicts.model || asked.upstreamModel;
      return {
        body: Buffer.from(JSON.stringify({ id, model, results })),
        usage: { ...noUsage, inputTokens: BigInt(tokens), estimated: verdicts.tokens === undefined },
        finishReason: "",
        messageId: id,
        responseModel: verdicts.model,
        upstreamRequestId: verdicts.id,
      };
    },
  });
}

function noVerdict(top: JsonObject | undefined, format: ModerationFormat): ThroughlineError {
  const error = top === undefined ? undefined : errorIn(top);
  if (error !== undefined) return format.inBandError(error);
  return new ThroughlineError("upstream_error", "The upstream's answer has no verdicts.");
}
