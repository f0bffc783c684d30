import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, asString } from "../../../wire/json.ts";
import { fieldText } from "../../../wire/patch-json.ts";
import type { Note } from "../neutral/formats.ts";
import { parseSignature } from "../neutral/signature.ts";
import { messagesFormat } from "./format-name.ts";

const traces = [Buffer.from('"tl1~'), Buffer.from('"signature":""'), Buffer.from('"signature": ""')];

/**
 * The messages without thinking that another vendor signed or nobody did: the upstream would refuse it. Undefined: they
 * may stay as they are. Messages are parsed only when a search finds such a signature.
 */
export function withoutForeignThinking(body: Uint8Array, note: Note): string | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!traces.some((trace) => bytes.includes(trace))) return undefined;
  let dropped = false;
  const messages = asArray(parseExact(fieldText(body, "messages") ?? "[]")).flatMap((raw) => {
    const message = asObject(raw);
    if (message?.role !== "assistant" || !Array.isArray(message.content)) return [raw];
    const content = message.content.filter((block: unknown) => !isForeign(block));
    if (content.length === message.content.length) return [raw];
    dropped = true;
    return content.length === 0 ? [] : [{ ...message, content }];
  });
  if (!dropped) return undefined;
  note("thinking of earlier turns dropped: this vendor did not sign it");
  return JSON.stringify(messages);
}

function isForeign(raw: unknown): boolean {
  const block = asObject(raw);
  if (block?.type !== "thinking" && block?.type !== "redacted_thinking") return false;
  const text = asString(block.type === "thinking" ? block.signature : block.data);
  return parseSignature(text, messagesFormat)?.origin !== messagesFormat;
}
