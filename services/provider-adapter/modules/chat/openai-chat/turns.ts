import type { TurnRules } from "../../../domain/flavour.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { Note } from "../neutral/formats.ts";
import { asReminder } from "../neutral/reminder.ts";

/** What stands for a turn that a template wants and nobody spoke. */
const unspoken = "...";

/** Whether the role is one of instructions. */
function isSystem(role: unknown): boolean {
  return role === "system" || role === "developer";
}

/**
 * Whether turns of these roles, in their order, are as the rules want them. False: they may have to change, which the turns
 * themselves must tell.
 */
export function areOrderly(roles: readonly string[], rules: TurnRules): boolean {
  let spoken = false;
  for (const [index, role] of roles.entries()) {
    const before = roles[index - 1];
    if (role === "tool" && before !== "tool" && before !== "assistant") return false;
    if (isSystem(role)) {
      if (rules.system === "never" || (rules.system === "first" && index > 0)) return false;
      continue;
    }
    if (!spoken && rules.userFirst && role !== "user") return false;
    spoken = true;
    if (rules.alternate && role === before && role !== "tool") return false;
    if (!rules.userAfterTool && role === "user" && before === "tool") return false;
  }
  return spoken || !rules.userFirst;
}

/**
 * Messages of the chat format in an order, and with roles, that a vendor's template allows. Results of tools always follow
 * their calls at once: the format itself wants that. The same list where nothing has to change.
 */
export function fitTurns(messages: readonly JsonObject[], rules: TurnRules, note: Note): readonly JsonObject[] {
  const roles = messages.map(({ role }) => asString(role) ?? "");
  if (areOrderly(roles, rules)) return messages;
  let fitted = placeSystem(resultsFirst(messages), rules, note);
  if (rules.userFirst) fitted = beginWithUser(fitted, note);
  if (rules.alternate) fitted = joinNeighbours(fitted);
  return rules.userAfterTool ? fitted : answerResults(fitted, note);
}

/** Puts the results of calls first among what follows the turn that called tools. */
function resultsFirst(messages: readonly JsonObject[]): JsonObject[] {
  const ordered: JsonObject[] = [];
  /** What was said since that turn, which waits for the results. */
  let said: JsonObject[] = [];
  let called = false;
  for (const message of messages) {
    if (message.role === "assistant") {
      for (const one of said) ordered.push(one);
      ordered.push(message);
      said = [];
      called = asArray(message.tool_calls).length > 0;
    } else if (called && message.role !== "tool") said.push(message);
    else ordered.push(message);
  }
  return ordered.concat(said);
}

function placeSystem(messages: readonly JsonObject[], { system }: TurnRules, note: Note): JsonObject[] {
  if (system === "anywhere") return [...messages];
  const firstTurn = messages.findIndex(({ role }) => !isSystem(role));
  const leading = firstTurn < 0 ? messages : messages.slice(0, firstTurn);
  const rest = (firstTurn < 0 ? [] : messages.slice(firstTurn)).map((message) => {
    if (!isSystem(message.role)) return message;
    note("system messages in the middle became the user's: the vendor takes one, at the start");
    return { role: "user", content: asReminder(textOf(message)) };
  });
  const [first] = leading;
  if (first === undefined) return rest;
  const text = leading.map(textOf).join("\n\n");
  if (system === "never") {
    note("the system message became the user's: the vendor takes none");
    return beforeFirstUser(text, rest);
  }
  return [leading.length === 1 ? first : { ...first, content: text }, ...rest];
}

function beforeFirstUser(text: string, messages: readonly JsonObject[]): JsonObject[] {
  const said: JsonObject = { role: "user", content: text };
  const [first, ...rest] = messages;
  return first?.role === "user" ? [join([said, first]), ...rest] : [said, ...messages];
}

function beginWithUser(messages: readonly JsonObject[], note: Note): JsonObject[] {
  const at = messages.findIndex(({ role }) => !isSystem(role));
  const place = at < 0 ? messages.length : at;
  if (messages[place]?.role === "user") return [...messages];
  note("a first turn of the user was added: the vendor's template begins with one");
  return [...messages.slice(0, place), { role: "user", content: unspoken }, ...messages.slice(place)];
}

function joinNeighbours(messages: readonly JsonObject[]): JsonObject[] {
  const runs: JsonObject[][] = [];
  for (const message of messages) {
    const run = runs.at(-1);
    const isSpoken = message.role === "user" || message.role === "assistant";
    if (run !== undefined && isSpoken && run[0]?.role === message.role) run.push(message);
    else runs.push([message]);
  }
  return runs.map(join);
}

function answerResults(messages: readonly JsonObject[], note: Note): JsonObject[] {
  return messages.flatMap((message, index) => {
    if (message.role !== "user" || messages[index - 1]?.role !== "tool") return [message];
    note("a turn of the assistant was added behind results of tools: the vendor's template wants one there");
    return [{ role: "assistant", content: unspoken }, message];
  });
}

/** Messages of one role as one. */
function join(messages: readonly JsonObject[]): JsonObject {
  const [first, ...others] = messages;
  if (first === undefined || others.length === 0) return first ?? {};
  const all: JsonObject = {};
  for (const message of messages) Object.assign(all, message);
  const { name, ...joined } = all;
  const calls = messages.flatMap((message) => asArray(message.tool_calls));
  return {
    ...joined,
    content: joinContents(messages),
    // One name cannot speak for several.
    ...(name !== undefined && messages.every((message) => message.name === name) ? { name } : {}),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...joinedThinking(messages),
  };
}

function joinedThinking(messages: readonly JsonObject[]): JsonObject {
  const joined: JsonObject = {};
  for (const field of ["reasoning_content", "reasoning"]) {
    const texts = messages.map((message) => asString(message[field])).filter(Boolean);
    if (texts.length > 0) joined[field] = texts.join("\n\n");
  }
  return joined;
}

function joinContents(messages: readonly JsonObject[]): unknown {
  if (messages.some(({ content }) => Array.isArray(content)))
    return messages.flatMap(({ content }) => partsOf(content));
  const texts = messages.map(({ content }) => asString(content)).filter(Boolean);
  return texts.length > 0 ? texts.join("\n\n") : messages.at(-1)?.content;
}

function partsOf(content: unknown): readonly unknown[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return asArray(content);
}

/** The text of a message, whatever the form of its content. */
function textOf({ content }: JsonObject): string {
  if (typeof content === "string") return content;
  return asArray(content)
    .map((part) => asString(asObject(part)?.text) ?? "")
    .filter((text) => text !== "")
    .join("\n");
}
