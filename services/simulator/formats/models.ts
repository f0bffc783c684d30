import { deliverJson } from "../deliver.ts";
import type { Route } from "../exchange.ts";
import { simulatedModels } from "../models.ts";
import { anthropicFormat } from "./anthropic-messages.ts";
import { geminiFormat } from "./gemini-format.ts";
import { openaiFormat } from "./openai.ts";

/** One that answers normally, then an example of each that does not. */
const names = ["simulated-model", ...simulatedModels.map(({ example }) => example)];
const created = 1_760_000_000;

/** GET /v1/models: in the Anthropic format for a caller that names an API version, else in OpenAI's. */
export const listModels: Route = {
  format: openaiFormat,
  readsBody: false,
  answer(exchange) {
    if (exchange.request.headers["anthropic-version"] === undefined) {
      const data = names.map((id) => ({ id, object: "model", created, owned_by: "throughline-simulator" }));
      deliverJson(exchange, openaiFormat, JSON.stringify({ object: "list", data }));
      return;
    }
    const created_at = new Date(created * 1_000).toISOString();
    const data = names.map((id) => ({ type: "model", id, display_name: `${id} (simulated)`, created_at }));
    const page = { data, first_id: names[0], last_id: names.at(-1), has_more: false };
    deliverJson(exchange, anthropicFormat, JSON.stringify(page));
  },
};

/** GET /v1beta/models. */
export const listGeminiModels: Route = {
  format: geminiFormat,
  readsBody: false,
  answer(exchange) {
    const models = names.map((id) => ({
      name: `models/${id}`,
      displayName: `${id} (simulated)`,
      supportedGenerationMethods: ["generateContent", "streamGenerateContent", "countTokens", "embedContent"],
    }));
    deliverJson(exchange, geminiFormat, JSON.stringify({ models }));
  },
};
