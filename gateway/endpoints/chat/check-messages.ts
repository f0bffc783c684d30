import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { CountTokensBody, MessagesBody } from "./schemas/messages.ts";

/** The two API versions that are live; without the header a request is read as the older, which allows more. */
const versions = { older: "2023-06-01", newer: "2026-10-21" };
const sampling = ["temperature", "top_p", "top_k"] as const;
/** Beta that lets a thinking budget exceed max_tokens: it then holds for all turns of one answer together. */
const interleaved = "interleaved-thinking";

/** Headers of the dialect that change what a body may say, lower-case names. */
export interface MessagesHeaders {
  readonly "anthropic-version"?: string;
  readonly "anthropic-beta"?: string;
}

/**
 * What differs between the API versions and what a schema cannot say. Throws invalid_value with the path.
 */
export function checkMessages(body: MessagesBody | CountTokensBody, headers: MessagesHeaders): void {
  const version = headers["anthropic-version"] ?? versions.older;
  if (version !== versions.older && version !== versions.newer) {
    throw new ThroughlineError("invalid_value", `anthropic-version must be ${versions.older} or ${versions.newer}.`, {
      param: "anthropic-version",
    });
  }
  if (version === versions.newer) checkNewer(body);
  checkThinking(body, headers["anthropic-beta"] ?? "");
}

/** 2026-10-21 took away sampling parameters, documents of the assistant and citations of the user. */
function checkNewer(body: MessagesBody | CountTokensBody): void {
  for (const name of sampling) {
    const value: unknown = Reflect.get(body, name);
    if (value !== undefined && value !== null) {
      throw invalid(
        name,
        `is not taken by version ${versions.newer}; leave it out or send anthropic-version ${versions.older}`,
      );
    }
  }
  for (const [index, message] of body.messages.entries()) {
    if (typeof message.content === "string") continue;
    for (const [place, block] of message.content.entries()) {
      const path = `messages[${index}].content[${place}]`;
      if (message.role === "assistant" && block.type === "document") {
        throw invalid(path, `may not be a document of the assistant in version ${versions.newer}`);
      }
      const { citations } = block;
      if (message.role === "user" && block.type === "text" && Array.isArray(citations) && citations.length > 0) {
        throw invalid(`${path}.citations`, `must be empty in a user's message in version ${versions.newer}`);
      }
    }
  }
}

function checkThinking(body: MessagesBody | CountTokensBody, beta: string): void {
  const { thinking } = body;
  const maxTokens: unknown = Reflect.get(body, "max_tokens");
  if (thinking?.type !== "enabled" || typeof maxTokens !== "number" || beta.includes(interleaved)) return;
  if (Number(thinking.budget_tokens) >= maxTokens) {
    throw invalid("thinking.budget_tokens", "must be less than max_tokens");
  }
}

function invalid(param: string, what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param} ${what}.`, { param });
}
