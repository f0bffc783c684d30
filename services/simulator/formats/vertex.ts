import { deliverError, deliverJson } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route, type Target, type WireFormat } from "../exchange.ts";
import { failureOf } from "../failures.ts";
import { arrayOf, countOf, type Json, objectOf, stringOf } from "../json.ts";
import { answerCount, answerMessages, anthropicFormat } from "./anthropic-messages.ts";
import { geminiModels } from "./gemini.ts";
import { geminiFormat } from "./gemini-format.ts";
import { dimensionsOf, tokensOf, vectorsOf } from "./vectors.ts";

/** Errors of Google's token endpoint. */
const tokenFormat: WireFormat = {
  requestIdHeader: "",
  errorBody: ({ code, message }) => JSON.stringify({ error: code, error_description: message }),
};

/** POST /token: gives a token for an assertion that is signed with the key of the simulator's service account. */
export const googleToken: Route = {
  format: tokenFormat,
  readsBody: false,
  answer(exchange) {
    const given = exchange.account.exchange(exchange.entry.body.toString());
    if ("refused" in given) {
      deliverError(exchange, tokenFormat, { ...failureOf(400), code: "invalid_grant", message: given.refused });
      return;
    }
    const { token: access_token, lifeS: expires_in } = given;
    deliverJson(exchange, tokenFormat, JSON.stringify({ access_token, expires_in, token_type: "Bearer" }));
  },
};

/** POST .../publishers/google/models/{model}:{verb}. */
export const vertexGoogle: Route = {
  format: geminiFormat,
  readsBody: true,
  answer: authorised(geminiFormat, (exchange, body, target) => {
    if (target.verb === "predict") predict(exchange, body);
    else if (target.verb === "countTokens" && body.generateContentRequest !== undefined) {
      throw new InvalidRequest('Invalid JSON payload received. Unknown name "generateContentRequest"', null);
    } else geminiModels.answer(exchange, { ...body, ...objectOf(body.embedContentConfig) }, target);
  }),
};

/** POST .../publishers/anthropic/models/{model}:rawPredict and :streamRawPredict. */
export const vertexAnthropic: Route = {
  format: anthropicFormat,
  readsBody: true,
  answer: authorised(anthropicFormat, (exchange, body, target) => {
    if (body.anthropic_version !== "vertex-2023-10-16") {
      throw new InvalidRequest("anthropic_version: Field required", "anthropic_version");
    }
    if (target.model === "count-tokens") {
      exchange.model = stringOf(body.model);
      answerCount(exchange, body);
      return;
    }
    const extra = ["model", "service_tier"].find((field) => body[field] !== undefined);
    if (extra !== undefined) throw new InvalidRequest(`${extra}: Extra inputs are not permitted`, extra);
    if ((target.verb === "streamRawPredict") !== (body.stream === true)) {
      throw new InvalidRequest("stream: does not fit the method", "stream");
    }
    answerMessages(exchange, body);
  }),
};

/** The platform itself asks for a token of its own, in Google's words. */
function authorised(format: WireFormat, answer: Route["answer"]): Route["answer"] {
  return (exchange: Exchange, body: Json, target: Target) => {
    const [, token = ""] = /^Bearer (\S+)$/.exec(exchange.request.headers.authorization ?? "") ?? [];
    if (exchange.account.holds(token) || token.startsWith("static-")) {
      answer(exchange, body, target);
      return;
    }
    const message = "Simulated: Request had invalid authentication credentials. Expected OAuth 2 access token.";
    deliverError(
      exchange,
      { ...geminiFormat, requestIdHeader: format.requestIdHeader },
      { ...failureOf(401), message },
    );
  };
}

function predict(exchange: Exchange, body: Json): void {
  const texts = arrayOf(body.instances).map((instance) => stringOf(objectOf(instance).content));
  if (texts.length === 0 || texts.includes("")) throw new InvalidRequest("The text content is empty.", "instances");
  const dimensions = dimensionsOf(countOf(objectOf(body.parameters).outputDimensionality));
  const predictions = vectorsOf(exchange, texts, dimensions).map(({ vector }, at) => ({
    embeddings: {
      values: vector,
      ...(exchange.behaviour.usage
        ? { statistics: { token_count: tokensOf([texts[at] ?? ""]), truncated: false } }
        : {}),
    },
  }));
  deliverJson(exchange, geminiFormat, JSON.stringify({ predictions }));
}
