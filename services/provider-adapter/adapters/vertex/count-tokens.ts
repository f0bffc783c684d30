import type { UpstreamMessage } from "../../domain/exchange.ts";
import { asObject, parseJson } from "../../wire/json.ts";
import type { TokenCount } from "../adapter.ts";
import { readTokenCount } from "../gemini/count-tokens.ts";

/** Fields of a request that its count takes (cloud.google.com: "CountTokens API"). */
const counted = [
  "contents",
  "systemInstruction",
  "system_instruction",
  "tools",
  "generationConfig",
  "generation_config",
];

/** The count of a request that was written for Google's models on this platform: its parts, without the wrapping of Google's other API. */
export function countGenerated({ path, headers, body }: UpstreamMessage): TokenCount {
  const request = asObject(parseJson(Buffer.from(body).toString())) ?? {};
  const kept = Object.fromEntries(counted.flatMap((name) => (name in request ? [[name, request[name]]] : [])));
  return {
    message: {
      path: `${path.slice(0, path.lastIndexOf(":"))}:countTokens`,
      headers,
      body: Buffer.from(JSON.stringify(kept)),
    },
    read: readTokenCount,
  };
}
