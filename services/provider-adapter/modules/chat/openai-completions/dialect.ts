import { noteUnknownFields } from "../../../domain/notes.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import type { ClientDialect, Note } from "../neutral/formats.ts";
import { defaultReasoning } from "../neutral/reasoning.ts";
import { cannotExpress } from "../neutral/refuse.ts";
import type { FieldName, NeutralRequest } from "../neutral/request.ts";
import { completionIdOf, completionsFormat } from "./format-name.ts";
import { finishReasonOf, writeTextCompletion } from "./write-answer.ts";
import { writeCompletionStream } from "./write-stream.ts";

/** Names of this dialect for the fields of the neutral request. */
const paths: Readonly<Partial<Record<FieldName, string>>> = {
  messages: "prompt",
  maxTokens: "max_tokens",
  temperature: "temperature",
  topP: "top_p",
  presencePenalty: "presence_penalty",
  frequencyPenalty: "frequency_penalty",
  seed: "seed",
  stop: "stop",
  logitBias: "logit_bias",
  logprobs: "logprobs",
  topLogprobs: "logprobs",
  choices: "n",
  user: "user",
};

const known: ReadonlySet<string> = new Set([
  ...["model", "prompt", "suffix", "stream", "stream_options", "echo", "best_of", "max_tokens", "temperature", "top_p"],
  ...["presence_penalty", "frequency_penalty", "seed", "stop", "logit_bias", "logprobs", "n", "user"],
]);

/** OpenAI's older completions of a prompt, as clients speak them: the prompt becomes what the user says. */
export const completionsDialect: ClientDialect = {
  name: completionsFormat,
  messageId: completionIdOf,
  open(asked, note) {
    const body = asObject(parseJson(Buffer.from(asked.body).toString())) ?? {};
    const prompt = promptOf(body.prompt);
    const echo = body.echo === true ? prompt : "";
    return {
      request: parseRequest(body, prompt, note),
      whole: (answer, head, end) => writeTextCompletion(answer, head, end, echo),
      finishReason: ({ choices: [choice] }) => finishReasonOf(choice?.finish),
      stream: (head) => writeCompletionStream(head, { includeUsage: asked.includeUsage, echo }),
    };
  },
};

/** One text. Several prompts would be several requests, and tokens are of one model's own vocabulary. */
function promptOf(prompt: unknown): string {
  if (typeof prompt === "string") return prompt;
  const list = asArray(prompt);
  const [only] = list;
  if (list.length === 1 && typeof only === "string") return only;
  if (list.every((item) => typeof item === "string")) throw cannotExpress("prompt", "it takes one prompt");
  throw cannotExpress("prompt", "it takes text and no tokens");
}

function parseRequest(body: JsonObject, prompt: string, note: Note): NeutralRequest {
  noteUnknownFields(body, known, note);
  const choices = numberOf(body.n) ?? 1;
  if (asString(body.suffix)) throw cannotExpress("suffix", "it continues a text and fills no gap");
  if ((numberOf(body.best_of) ?? choices) > choices) throw cannotExpress("best_of", "it does not choose among answers");
  const logprobs = numberOf(body.logprobs);
  if (logprobs !== undefined && body.echo === true) {
    throw cannotExpress("echo", "it gives no log probabilities of the prompt");
  }
  return {
    messages: [{ role: "user", parts: [{ type: "text", text: prompt, at: "prompt" }], at: "prompt" }],
    tools: [],
    maxTokens: numberOf(body.max_tokens),
    temperature: numberOf(body.temperature),
    topP: numberOf(body.top_p),
    presencePenalty: numberOf(body.presence_penalty),
    frequencyPenalty: numberOf(body.frequency_penalty),
    seed: numberOf(body.seed),
    stop: typeof body.stop === "string" ? [body.stop] : asArray(body.stop).filter((item) => typeof item === "string"),
    logitBias: asObject(body.logit_bias),
    logprobs: logprobs === undefined ? undefined : true,
    topLogprobs: logprobs,
    choices,
    reasoning: defaultReasoning,
    user: asString(body.user),
    modalities: [],
    paths,
  };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
