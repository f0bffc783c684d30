import { InvalidRequest } from "../exchange.ts";
import { arrayOf, type Json, objectOf, stringOf } from "../json.ts";

/** What the vendor refuses of a conversation (docs.aws.amazon.com: Converse, "Message"). Throws InvalidRequest in its words. */
export function checkConversation(body: Json): void {
  const turns = arrayOf(body.messages).map(objectOf);
  if (turns.length === 0) refuse("messages", "A conversation must have at least one message.");
  if (turns[0]?.role !== "user") refuse("messages", "A conversation must start with a user message.");
  const calls = new Set<string>();
  for (const [at, { role, content }] of turns.entries()) {
    if (at > 0 && turns[at - 1]?.role === role) refuse("messages", `Messages must alternate, ${String(role)} repeats.`);
    const blocks = arrayOf(content).map(objectOf);
    if (blocks.length === 0) refuse("messages", `The content field in the Message object at messages.${at} is empty.`);
    checkBlocks(blocks, at);
    checkResults(blocks, at, calls);
    calls.clear();
    for (const { toolUse } of blocks) if (toolUse !== undefined) calls.add(stringOf(objectOf(toolUse).toolUseId));
  }
  const usesTools = turns.some(({ content }) =>
    arrayOf(content).some((block) => "toolUse" in objectOf(block) || "toolResult" in objectOf(block)),
  );
  if (usesTools && body.toolConfig === undefined) {
    refuse("toolConfig", "The toolConfig field must be defined when using toolUse and toolResult content blocks.");
  }
  for (const block of arrayOf(body.system).map(objectOf)) {
    if ("text" in block && stringOf(block.text).trim() === "")
      refuse("system", "The text field in a system block is blank.");
  }
  for (const tool of arrayOf(objectOf(body.toolConfig).tools))
    checkTool(objectOf(objectOf(tool).toolSpec ?? { name: "cache" }));
}

function checkBlocks(blocks: readonly Json[], at: number): void {
  for (const [index, block] of blocks.entries()) {
    if ("text" in block && stringOf(block.text).trim() === "") {
      refuse("messages", `The text field in the ContentBlock object at messages.${at}.content.${index} is blank.`);
    }
    const { name } = objectOf(block.document);
    if ("document" in block && !/^[a-zA-Z0-9 ()[\]-]+$/.test(stringOf(name))) {
      refuse(
        "messages",
        "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets.",
      );
    }
  }
  const has = (field: string) => blocks.some((block) => field in block);
  if (has("document") && !has("text")) {
    refuse("messages", "A text block is required when using documents.");
  }
}

/** Every call of the turn before has its result here, and nothing else has one. */
function checkResults(blocks: readonly Json[], at: number, calls: ReadonlySet<string>): void {
  const results = blocks.flatMap(({ toolResult }) =>
    toolResult === undefined ? [] : [stringOf(objectOf(toolResult).toolUseId)],
  );
  if (results.some((id) => !calls.has(id))) {
    refuse(
      "messages",
      `The number of toolResult blocks at messages.${at}.content exceeds the number of toolUse blocks of previous turn.`,
    );
  }
  const missing = [...calls].filter((id) => !results.includes(id));
  if (missing.length > 0) {
    refuse(
      "messages",
      `Expected toolResult blocks at messages.${at}.content for the following Ids: ${missing.join(", ")}`,
    );
  }
}

function checkTool({ name, description, inputSchema }: Json): void {
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(stringOf(name)))
    refuse(
      "toolConfig",
      `Value '${String(name)}' at 'toolConfig.tools.member.toolSpec.name' failed to satisfy constraint.`,
    );
  if (description === "") refuse("toolConfig", "toolSpec.description must have length greater than or equal to 1.");
  if (inputSchema !== undefined && objectOf(objectOf(inputSchema).json).type !== "object") {
    refuse(
      "toolConfig",
      "The value at toolConfig.tools.toolSpec.inputSchema.json.type must be one of the following: object.",
    );
  }
}

function refuse(param: string, message: string): never {
  throw new InvalidRequest(message, param);
}
