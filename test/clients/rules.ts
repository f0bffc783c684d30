/* What vendors hold requests to, as their errors say it, each as a sentence that a request breaks. */

/** A JSON object of which nothing is known. */
export type Body = { readonly [name: string]: unknown };

/** Formats of vendors. */
export type VendorName = "chat" | "messages" | "gemini" | "responses";

/** What a vendor was asked. */
export interface Conversation {
  /** Tools that the model may call, as the vendor knows them; one of a namespace as `namespace name`. */
  readonly offered: readonly string[];
  /** Texts of the results of tools so far. */
  readonly results: readonly string[];
}

const listOf = (value: unknown): readonly Body[] => (Array.isArray(value) ? (value as Body[]) : []);
const objectOf = (value: unknown): Body => (typeof value === "object" && value !== null ? (value as Body) : {});
const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

const plainName = /^[a-zA-Z0-9_-]{1,64}$/;

/** Reads a chat request as OpenAI does, with a template that takes the system text first alone. Gives what it breaks. */
function readChat(body: Body): Conversation | string {
  if (body.web_search_options !== undefined) return "Web search options not supported with this model.";
  const tools = listOf(body.tools);
  for (const [index, tool] of tools.entries()) {
    if (tool.type !== "function") return `tools[${index}].type: Input should be 'function'`;
    const { name, parameters } = objectOf(tool.function);
    if (!plainName.test(textOf(name))) return `tools[${index}].function.name: does not match ${plainName}`;
    if (objectOf(parameters).type !== "object") return `tools[${index}].function.parameters: type must be 'object'`;
  }
  const waiting = new Set<unknown>();
  const results: string[] = [];
  for (const [index, message] of listOf(body.messages).entries()) {
    const { role, tool_calls: calls, tool_call_id: answered } = message;
    if (index > 0 && (role === "system" || role === "developer")) return "System message must be at the beginning.";
    const before = listOf(body.messages)[index - 1]?.role;
    if (role === before && role !== "tool")
      return "Conversation roles must alternate user/assistant/user/assistant/...";
    if (role === "tool") {
      if (!waiting.delete(answered)) return `messages[${index}]: answers no call`;
      if (typeof message.content !== "string") return `messages[${index}].content: must be a string`;
      results.push(message.content);
    } else if (waiting.size > 0) return `messages[${index}]: tool messages must follow the calls of the assistant`;
    for (const { id } of listOf(calls)) {
      if (textOf(id).length > 40) return `messages[${index}].tool_calls: the ID is longer than 40`;
      waiting.add(id);
    }
  }
  if (waiting.size > 0) return "calls without their results";
  return { offered: tools.map(({ function: given }) => textOf(objectOf(given).name)), results };
}

/** Reads a request for a message as Anthropic does. */
function readMessages(body: Body): Conversation | string {
  const tools = listOf(body.tools);
  for (const [index, tool] of tools.entries()) {
    // The vendor's own search has a name, and no schema.
    if (textOf(tool.type ?? "").startsWith("web_search_")) continue;
    if (tool.type !== undefined && tool.type !== "custom")
      return `tools.${index}: does not match any of the expected tags`;
    if (!/^[a-zA-Z0-9_-]{1,128}$/.test(textOf(tool.name))) return `tools.${index}.name: does not match the pattern`;
    const schema = objectOf(tool.input_schema);
    if (schema.type !== "object") return `tools.${index}.input_schema.type: Field required`;
    if (schema.anyOf ?? schema.oneOf ?? schema.allOf) return `tools.${index}.input_schema: no combinators at the top`;
  }
  let waiting: unknown[] = [];
  let last: unknown;
  const results: string[] = [];
  for (const [index, { role, content }] of listOf(body.messages).entries()) {
    if (role === "system") return `messages.${index}.role: role 'system' is not supported on this model`;
    if (role === last) return `messages.${index}: roles must alternate`;
    last = role;
    const blocks = listOf(content);
    const answered = blocks.filter(({ type }) => type === "tool_result");
    if (blocks.slice(0, answered.length).some(({ type }) => type !== "tool_result")) {
      return `messages.${index}: tool_result blocks must come first`;
    }
    const ids = new Set(answered.map(({ tool_use_id: id }) => id));
    if (waiting.some((id) => !ids.has(id))) return `messages.${index}: tool_use without tool_result`;
    for (const { content: said } of answered) results.push(textOf(said));
    waiting = blocks.filter(({ type }) => type === "tool_use").map(({ id }) => id);
    if (waiting.some((id) => !/^[a-zA-Z0-9_-]+$/.test(textOf(id)))) return `messages.${index}: tool_use.id pattern`;
  }
  return { offered: tools.map(({ name }) => textOf(name)), results };
}

/** Reads a request for content as Google does. */
function readGemini(body: Body): Conversation | string {
  const functions = listOf(body.tools).flatMap((tool) => listOf(tool.functionDeclarations));
  for (const { name } of functions) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_.-]{0,63}$/.test(textOf(name))) return `Invalid function name: ${textOf(name)}`;
  }
  let calls = 0;
  const results: string[] = [];
  for (const { parts } of listOf(body.contents)) {
    const answered = listOf(parts).flatMap(({ functionResponse }) => functionResponse ?? []);
    if (answered.length !== calls) {
      return "Please ensure that the number of function response parts is equal to the number of function call parts.";
    }
    for (const one of answered) results.push(textOf(objectOf(one).response));
    calls = listOf(parts).filter(({ functionCall }) => functionCall !== undefined).length;
  }
  return { offered: functions.map(({ name }) => textOf(name)), results };
}

/** Reads a request for a response as OpenAI does, which keeps the items of its answers. */
function readResponses(body: Body, kept: ReadonlyMap<unknown, Body>): Conversation | string {
  if (typeof body.previous_response_id === "string") return "Previous response not found.";
  const calls = new Set<unknown>();
  const results: string[] = [];
  for (const given of listOf(body.input)) {
    const item = given.type === "item_reference" ? kept.get(given.id) : given;
    if (item === undefined) return `Item with id '${textOf(given.id)}' not found.`;
    if (item.type === "function_call" || item.type === "custom_tool_call") calls.add(item.call_id);
    if (item.type !== "function_call_output" && item.type !== "custom_tool_call_output") continue;
    if (!calls.delete(item.call_id)) return "No tool call found for function call output.";
    results.push(textOf(item.output));
  }
  if (calls.size > 0) return "No tool output found for function call.";
  const offered = listOf(body.tools).flatMap((tool) =>
    tool.type === "namespace"
      ? listOf(tool.tools).map(({ name }) => `${textOf(tool.name)} ${textOf(name)}`)
      : [textOf(tool.name ?? tool.type)],
  );
  return { offered, results };
}

type Read = (body: Body, kept: ReadonlyMap<unknown, Body>) => Conversation | string;

/** How each vendor reads a request, given the items of its answers by their IDs; a text says which rule it breaks. */
export const readers: Readonly<Record<VendorName, Read>> = {
  chat: readChat,
  messages: readMessages,
  gemini: readGemini,
  responses: readResponses,
};
