import type { FlavourConfig } from "../flavour-config.ts";

/** What the templates of open models want, whoever serves them: the names are those of their repositories. */
export const openModels: NonNullable<FlavourConfig["models"]> = [
  // "Conversation roles must alternate user/assistant/user/assistant/..."
  { match: "gemma|mistral|mixtral|ministral|magistral|devstral|pixtral", alternate_turns: true, user_first: true },
  // "Unexpected role 'user' after role 'tool'"
  { match: "mistral|mixtral|ministral|magistral|devstral|pixtral", user_after_tool: false },
  // "System role not supported". Later generations put it into the first turn by themselves.
  { match: "gemma-?[12]([^\\d]|$)|mistral-7b-instruct-v0\\.[12]", system_turns: "never" },
  // "No user query found in messages."
  { match: "qwen", user_first: true },
];
