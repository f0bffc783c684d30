import { messagesDialect } from "./anthropic-messages/dialect.ts";
import { geminiDialect } from "./gemini/dialect.ts";
import type { ClientDialect } from "./neutral/formats.ts";
import { chatDialect } from "./openai-chat/dialect.ts";
import { completionsDialect } from "./openai-completions/dialect.ts";
import { responsesDialect } from "./openai-responses/dialect.ts";

/** Every wire format that clients may speak: one folder, one entry. */
export const clientDialects: readonly ClientDialect[] = [
  chatDialect,
  messagesDialect,
  responsesDialect,
  completionsDialect,
  geminiDialect,
];
