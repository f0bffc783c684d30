import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { fieldText } from "../../../wire/patch-json.ts";
import { isSpace } from "../../../wire/scan-json.ts";
import type { Note } from "../neutral/formats.ts";
import { asReminder } from "../neutral/reminder.ts";

const word = Buffer.from('"system"');
const colon = 0x3a;

/**
 * The messages without turns of the system, for a model that does not know them: what such a turn says is told as the user's,
 * at its place, so that what stands before it stays cached.
 *
 * @param cleaned JSON text of the messages as far as they have been changed; undefined: not at all.
 * @returns the same where nothing has to change.
 */
export function withoutSystemTurns(body: Uint8Array, cleaned: string | undefined, note: Note): string | undefined {
  if (!mayHoldSystemTurn(body)) return cleaned;
  const messages = asArray(parseExact(cleaned ?? fieldText(body, "messages") ?? "[]")).map(
    (raw) => asObject(raw) ?? {},
  );
  if (!messages.some(({ role }) => role === "system")) return cleaned;
  note("system messages among the turns became the user's: this model does not know them");
  return JSON.stringify(toldByUser(messages));
}

/** Whether the word stands anywhere as a value: as a name it is the field beside the messages. */
function mayHoldSystemTurn(body: Uint8Array): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  for (let at = bytes.indexOf(word); at >= 0; at = bytes.indexOf(word, at + 1)) {
    let next = at + word.length;
    while (isSpace(bytes[next])) next++;
    if (bytes[next] !== colon) return true;
  }
  return false;
}

/** Turns of the user that then stand side by side become one: results of tools must come before all else in it. */
function toldByUser(messages: readonly JsonObject[]): JsonObject[] {
  const runs: JsonObject[][] = [];
  for (const message of messages) {
    const run = runs.at(-1);
    if (run !== undefined && message.role !== "assistant" && run[0]?.role !== "assistant") run.push(message);
    else runs.push([message]);
  }
  return runs.flatMap((run) => (run.some(({ role }) => role === "system") ? [asOneTurn(run)] : run));
}

function asOneTurn(run: readonly JsonObject[]): JsonObject {
  const blocks = run.flatMap(({ role, content }) => (role === "system" ? reminders(content) : blocksOf(content)));
  const isResult = (block: unknown) => asObject(block)?.type === "tool_result";
  return {
    role: "user",
    content: [...blocks.filter(isResult), ...blocks.filter((block) => !isResult(block))],
  };
}

function reminders(content: unknown): unknown[] {
  return blocksOf(content).map((raw) => {
    const block = asObject(raw);
    const text = asString(block?.text);
    return text === undefined ? raw : { ...block, text: asReminder(text) };
  });
}

function blocksOf(content: unknown): readonly unknown[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return asArray(content);
}
