import type { FlavourConfig } from "../flavour-config.ts";
import { openai } from "./openai.ts";

/**
 * Azure OpenAI: the base URL is the resource's (`https://{resource}.openai.azure.com`), the model is the deployment's name
 * and stands in the path. `path` may be overridden with another api-version, or with the newer `/openai/v1/chat/completions`.
 * Responses are spoken at that newer path only (`responses: true` with it); clients of them are served by way of chat.
 */
export const azure: FlavourConfig = {
  ...openai,
  path: "/openai/deployments/{model}/chat/completions?api-version=2024-10-21",
  responses: false,
  auth_header: "api-key",
  request_id_headers: ["apim-request-id", "x-request-id"],
  errors: [
    ...(openai.errors ?? []),
    { status: 400, code: "content_filter", means: "filtered" },
    { status: 404, code: "DeploymentNotFound", means: "unknown_model" },
  ],
};
