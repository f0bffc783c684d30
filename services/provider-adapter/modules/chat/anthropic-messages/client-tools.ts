import type { JsonObject } from "../../../wire/json.ts";

/*
 * Tools that this vendor's models know by themselves and that the client carries out: it names their type and their name,
 * and their arguments are known. Other vendors' models can call them as well once they are told what they take.
 */

/** A tool that the vendor's models know, as others may be offered it. */
export interface ClientTool {
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly parameters: JsonObject;
}

const text = { type: "string" };
const line = { type: "integer" };
const range = { type: "array", items: { type: "integer" }, description: "First and last line to view; -1: the end" };

function command(words: readonly string[], properties: JsonObject, required: readonly string[]): JsonObject {
  const all = { command: { type: "string", enum: words }, ...properties };
  return { type: "object", properties: all, required: ["command", ...required] };
}

const bash: ClientTool = {
  description: "Runs a command in a bash session that lasts from call to call.",
  parameters: {
    type: "object",
    properties: { command: text, restart: { type: "boolean", description: "True: starts the session anew" } },
  },
};

const edits = { path: text, file_text: text, old_str: text, new_str: text, insert_line: line, view_range: range };
const editor: ClientTool = {
  description: "Views, creates and edits text files.",
  parameters: command(["view", "create", "str_replace", "insert"], { ...edits, insert_text: text }, ["path"]),
};
const editorWithUndo: ClientTool = {
  ...editor,
  parameters: command(["view", "create", "str_replace", "insert", "undo_edit"], edits, ["path"]),
};

const memory: ClientTool = {
  description: "Keeps notes as files below /memories from one conversation to the next.",
  parameters: command(
    ["view", "create", "str_replace", "insert", "delete", "rename"],
    { ...edits, insert_text: text, old_path: text, new_path: text },
    [],
  ),
};

/** By what their types begin with, the longer ones first: a date follows. */
const known: readonly (readonly [type: string, tool: ClientTool])[] = [
  ["bash_", bash],
  ["text_editor_2024", editorWithUndo],
  ["text_editor_20250124", editorWithUndo],
  ["text_editor_", editor],
  ["memory_", memory],
];

/** The tool of a type (`bash_20250124`); undefined: it is the vendor's own work, or not known. */
export function clientToolOf(type: string): ClientTool | undefined {
  return known.find(([beginning]) => type.startsWith(beginning))?.[1];
}
