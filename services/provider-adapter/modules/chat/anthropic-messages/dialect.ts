import { noteUnknownFields } from "../../../domain/notes.ts";
import { mayHaveLongNumbers, parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { type InnerFields, noteUnknownInside } from "../inner-fields.ts";
import type { ClientDialect, Note } from "../neutral/formats.ts";
import { cannotExpress } from "../neutral/refuse.ts";
import type { FieldName, NeutralRequest } from "../neutral/request.ts";
import { messageIdOf, messagesFormat } from "./format-name.ts";
import { parseMessages } from "./parse-blocks.ts";
import { parseOutput, parseReasoning, parseToolChoice, parseTools } from "./parse-tools.ts";
import { stopReasonOf, withRefusal } from "./stop-reasons.ts";
import { writeMessage } from "./write-answer.ts";
import { writeMessageStream } from "./write-stream.ts";

/** Names of this dialect for the fields of the neutral request. */
const paths: Readonly<Partial<Record<FieldName, string>>> = {
  messages: "messages",
  tools: "tools",
  toolChoice: "tool_choice",
  parallelToolCalls: "tool_choice.disable_parallel_tool_use",
  output: "output_config.format",
  maxTokens: "max_tokens",
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  stop: "stop_sequences",
  reasoning: "thinking",
  webSearch: "tools",
  user: "metadata.user_id",
  serviceTier: "service_tier",
  cache: "cache_control",
};

const known: ReadonlySet<string> = new Set([
  ...["model", "messages", "system", "max_tokens", "stream", "stop_sequences", "temperature", "top_p", "top_k"],
  ...[
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "output_format",
    "cache_control",
    "metadata",
    "service_tier",
  ],
]);

const block = ["type", "cache_control"];
const tool = ["type", "name", "description", "input_schema", "strict", "cache_control"];
const inside: InnerFields = {
  "tools[]": { "": tool, custom: tool },
  thinking: ["type", "budget_tokens", "display"],
  output_config: ["effort", "format"],
  "output_config.format": ["type", "schema"],
  "messages[].content[]": {
    image: [...block, "source"],
    document: [...block, "source", "title", "context"],
    tool_result: [...block, "tool_use_id", "content", "is_error"],
  },
};

/** Fields without which the answer would not be what was asked for. */
const essential: ReadonlySet<string> = new Set(["mcp_servers", "container"]);

/** Anthropic's messages, as clients speak it. */
export const messagesDialect: ClientDialect = {
  name: messagesFormat,
  messageId: messageIdOf,
  open(asked, note) {
    const text = Buffer.from(asked.body).toString();
    const body = asObject(parseJson(text)) ?? {};
    // The arguments of earlier calls travel on exactly as they are; the rest of a body is only read.
    const exact = mayHaveLongNumbers(text) ? asObject(parseExact(text)) : undefined;
    const request = parseRequest(exact === undefined ? body : { ...body, messages: exact.messages }, note);
    return {
      request,
      whole: writeMessage,
      finishReason({ choices: [choice] }) {
        const said =
          choice?.parts.some((part) => part.type === "refusal" && part.text !== "") === true ? "refusal" : "";
        const finish = withRefusal(choice?.finish, said);
        return finish === undefined ? "" : stopReasonOf(finish);
      },
      stream: writeMessageStream,
    };
  },
};

function parseRequest(body: JsonObject, note: Note): NeutralRequest {
  for (const name of essential) {
    if (body[name] !== null && body[name] !== undefined) throw cannotExpress(name, "its format has no such field");
  }
  noteUnknownFields(body, known, note);
  noteUnknownInside(body, inside, note);
  const choice = asObject(body.tool_choice);
  const { tools, webSearch } = parseTools(body.tools, note);
  return {
    messages: parseMessages(body, note),
    tools,
    toolChoice: parseToolChoice(choice),
    parallelToolCalls: choice?.disable_parallel_tool_use === true ? false : undefined,
    output: parseOutput(body),
    maxTokens: boundOf(body.max_tokens, note),
    temperature: numberOf(body.temperature),
    topP: numberOf(body.top_p),
    topK: numberOf(body.top_k),
    stop: asArray(body.stop_sequences).filter((item) => typeof item === "string"),
    choices: 1,
    reasoning: parseReasoning(body, note),
    webSearch,
    user: asString(asObject(body.metadata)?.user_id),
    serviceTier: body.service_tier === "standard_only" ? "default" : asString(body.service_tier),
    modalities: [],
    cache: asObject(body.cache_control),
    paths,
  };
}

/** 0 only warms the vendor's cache. Elsewhere it would be no bound at all, while one token is what was reserved for it. */
function boundOf(value: unknown, note: Note): number | undefined {
  if (value !== 0) return numberOf(value);
  note("max_tokens raised to 1: the upstream's format does not answer with nothing");
  return 1;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
