import { type Static, Type } from "typebox";
import { anyObject, maybe, open, tokenCeiling } from "../schemas/json.ts";

/*
 * Google's generateContent, countTokens, embedContent and batchEmbedContents (@google/genai 3.3, dist/genai.d.ts). Parts and
 * tools are open: of each kind that is not known its own vendor judges.
 */

const content = open({ role: maybe(Type.String()), parts: maybe(Type.Array(anyObject)) });

const generationConfig = open({
  maxOutputTokens: maybe(tokenCeiling(1)),
  candidateCount: maybe(Type.Integer({ minimum: 1, maximum: 8 })),
  temperature: maybe(Type.Number({ minimum: 0, maximum: 2 })),
  topP: maybe(Type.Number({ minimum: 0, maximum: 1 })),
  topK: maybe(Type.Number({ minimum: 0 })),
  stopSequences: maybe(Type.Array(Type.String())),
  responseMimeType: maybe(Type.String()),
  responseModalities: maybe(Type.Array(Type.String())),
  thinkingConfig: maybe(anyObject),
});

const generated = {
  contents: Type.Array(content, { minItems: 1 }),
  systemInstruction: maybe(content),
  tools: maybe(Type.Array(anyObject)),
  toolConfig: maybe(anyObject),
  generationConfig: maybe(generationConfig),
  safetySettings: maybe(Type.Array(anyObject)),
  cachedContent: maybe(Type.String()),
};

export const generateContentBody = open(generated);
export type GenerateContentBody = Static<typeof generateContentBody>;

export const countTokensBody = open({
  ...generated,
  contents: maybe(Type.Array(content, { minItems: 1 })),
  generateContentRequest: maybe(generateContentBody),
});
export type CountTokensBody = Static<typeof countTokensBody>;

const text = open({ text: Type.String({ minLength: 1 }) });
const embedded = {
  content: open({ parts: Type.Array(text, { minItems: 1 }) }),
  taskType: maybe(Type.String()),
  outputDimensionality: maybe(Type.Integer({ minimum: 1, maximum: 100_000 })),
};

export const embedContentBody = open(embedded);
export type EmbedContentBody = Static<typeof embedContentBody>;

export const batchEmbedContentsBody = open({
  requests: Type.Array(open(embedded), { minItems: 1, maxItems: 2_048 }),
});
