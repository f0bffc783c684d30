import { noteUnknownFields } from "../../../domain/notes.ts";
import { mayHaveLongNumbers, parseExact } from "../../../wire/exact-json.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import type { ClientDialect, Note } from "../neutral/formats.ts";
import { cannotExpress } from "../neutral/refuse.ts";
import type { FieldName, NeutralRequest } from "../neutral/request.ts";
import { field, objectField, snake } from "./fields.ts";
import { finishReasonOf } from "./finish-reasons.ts";
import { geminiFormatName, responseIdOf } from "./format-name.ts";
import { parseConfig } from "./parse-config.ts";
import { parseContents } from "./parse-contents.ts";
import { parseTools } from "./parse-tools.ts";
import { writeGenerated } from "./write-answer.ts";
import { writeGeneratedStream } from "./write-stream.ts";

const config = (name: string) => `generationConfig.${name}`;

/** Names of this dialect for the fields of the neutral request. */
const paths: Readonly<Partial<Record<FieldName, string>>> = {
  messages: "contents",
  tools: "tools",
  toolChoice: "toolConfig.functionCallingConfig",
  output: config("responseSchema"),
  maxTokens: config("maxOutputTokens"),
  temperature: config("temperature"),
  topP: config("topP"),
  topK: config("topK"),
  presencePenalty: config("presencePenalty"),
  frequencyPenalty: config("frequencyPenalty"),
  seed: config("seed"),
  stop: config("stopSequences"),
  logprobs: config("responseLogprobs"),
  topLogprobs: config("logprobs"),
  choices: config("candidateCount"),
  reasoning: config("thinkingConfig"),
  webSearch: "tools",
  serviceTier: "serviceTier",
  modalities: config("responseModalities"),
};

const read = ["contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "serviceTier", "model"];
const known: ReadonlySet<string> = new Set([...read, ...read.map(snake)]);

/** Google's generateContent, as clients speak it. */
export const geminiDialect: ClientDialect = {
  name: geminiFormatName,
  messageId: responseIdOf,
  open(asked, note) {
    const text = Buffer.from(asked.body).toString();
    const body = asObject(parseJson(text)) ?? {};
    // The arguments of earlier calls travel on exactly as they are; the rest of a body is only read.
    const exact = mayHaveLongNumbers(text) ? asObject(parseExact(text)) : undefined;
    const request = parseRequest(exact === undefined ? body : { ...body, contents: exact.contents }, note);
    return {
      request,
      whole: writeGenerated,
      finishReason: ({ choices: [choice] }) => (choice?.finish === undefined ? "" : finishReasonOf(choice.finish)),
      stream: writeGeneratedStream,
    };
  },
};

function parseRequest(body: JsonObject, note: Note): NeutralRequest {
  // The turns in it are part of the conversation, and another vendor does not have them.
  if (asString(field(body, "cachedContent"))) throw cannotExpress("cachedContent", "it is kept at another vendor");
  noteUnknownFields(body, known, note);
  const tier = asString(field(body, "serviceTier"))?.toLowerCase();
  return {
    messages: parseContents(body),
    ...parseTools(body, note),
    ...parseConfig(objectField(body, "generationConfig"), note),
    serviceTier: tier === "standard" ? "default" : tier,
    paths,
  };
}
