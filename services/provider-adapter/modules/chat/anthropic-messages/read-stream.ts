import { parseExact } from "../../../wire/exact-json.ts";
import { asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { Citation } from "../neutral/answer.ts";
import type { Emit } from "../neutral/events.ts";
import type { UpstreamStream } from "../neutral/formats.ts";
import { messagesFormat } from "./format-name.ts";
import { readCitation, readRefusal, type StreamError } from "./read-answer.ts";
import { finishOf } from "./stop-reasons.ts";
import { readUsage } from "./usage.ts";

/** Reads a stream of message events. */
export function readMessageStream(streamError: StreamError): UpstreamStream {
  /** Number of the call of each block that is one. */
  const calls = new Map<number, number>();
  /** Blocks of calls whose input has not begun. */
  const silent = new Set<number>();
  /** Sources of the open text, and where in the whole text it began. */
  let citations: Citation[] = [];
  let textStart = 0;
  let textEnd = 0;
  let complete = false;
  let finished = false;

  function readText(text: string | undefined, emit: Emit): void {
    if (!text) return;
    textEnd += text.length;
    emit({ type: "text", choice: 0, text });
  }

  function endBlock(index: number, emit: Emit): void {
    const call = calls.get(index);
    // A call without arguments may come without input; other formats want the empty object.
    if (call !== undefined && silent.delete(index)) emit({ type: "tool_input", choice: 0, call, text: "{}" });
    for (const citation of citations) {
      emit({ type: "citation", choice: 0, citation: { ...citation, start: textStart, end: textEnd } });
    }
    citations = [];
  }

  function startBlock(index: number, block: JsonObject, emit: Emit): void {
    switch (block.type) {
      case "text":
        textStart = textEnd;
        readText(asString(block.text), emit);
        break;
      case "thinking": {
        const text = asString(block.thinking);
        if (text) emit({ type: "thinking", choice: 0, text });
        break;
      }
      case "redacted_thinking": {
        const value = asString(block.data) ?? "";
        emit({ type: "redacted_thinking", choice: 0, signature: { origin: messagesFormat, value } });
        break;
      }
      case "tool_use": {
        const call = calls.size;
        calls.set(index, call);
        const id = asString(block.id) ?? "";
        emit({ type: "tool_call", choice: 0, call, id, name: asString(block.name) ?? "", custom: false });
        // Compatible vendors give the whole input at the start.
        const input = asObject(block.input) ?? {};
        if (Object.keys(input).length === 0) silent.add(index);
        else {
          emit({ type: "tool_input", choice: 0, call, text: JSON.stringify(input) });
        }
        break;
      }
    }
  }

  function readDelta(index: number, delta: JsonObject, emit: Emit): void {
    switch (delta.type) {
      case "text_delta":
        readText(asString(delta.text), emit);
        break;
      case "thinking_delta": {
        const text = asString(delta.thinking);
        if (text) emit({ type: "thinking", choice: 0, text });
        break;
      }
      case "signature_delta": {
        const value = asString(delta.signature);
        if (value) emit({ type: "signature", choice: 0, signature: { origin: messagesFormat, value } });
        break;
      }
      case "input_json_delta": {
        const call = calls.get(index);
        const text = asString(delta.partial_json);
        if (call === undefined || !text) break;
        silent.delete(index);
        emit({ type: "tool_input", choice: 0, call, text });
        break;
      }
      case "citations_delta":
        for (const citation of readCitation(asObject(delta.citation) ?? {})) citations.push(citation);
        break;
    }
  }

  /** Counts are of the whole message so far. */
  function count(given: JsonObject | undefined, emit: Emit, partial: boolean): void {
    if (given !== undefined) emit({ type: "usage", usage: readUsage(given), partial });
  }

  return {
    read({ data }, emit) {
      if (data === "") return;
      const event = asObject(parseExact(data));
      if (event === undefined) throw streamError({ message: "it sent an event that is not valid JSON" });
      const index = typeof event.index === "number" ? event.index : 0;
      switch (event.type) {
        case "message_start": {
          const message = asObject(event.message) ?? {};
          emit({ type: "start", model: asString(message.model) ?? "" });
          count(asObject(message.usage), emit, true);
          break;
        }
        case "content_block_start":
          startBlock(index, asObject(event.content_block) ?? {}, emit);
          break;
        case "content_block_delta":
          readDelta(index, asObject(event.delta) ?? {}, emit);
          break;
        case "content_block_stop":
          endBlock(index, emit);
          break;
        case "message_delta": {
          const delta = asObject(event.delta) ?? {};
          const reason = finishOf(delta.stop_reason);
          // A second reason does not take back the first.
          if (reason !== undefined && !finished) {
            complete = finished = true;
            const stopSequence = asString(delta.stop_sequence);
            emit({ type: "finish", choice: 0, reason, stopSequence, refused: readRefusal(delta.stop_details) });
          }
          count(asObject(event.usage), emit, reason === undefined);
          break;
        }
        case "message_stop":
          complete = true;
          break;
        case "error":
          throw streamError(asObject(event.error) ?? {});
      }
    },
    isComplete() {
      return complete;
    },
  };
}
