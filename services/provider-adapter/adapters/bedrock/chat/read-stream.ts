import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import type { Citation } from "../../../modules/chat/neutral/answer.ts";
import type { Emit } from "../../../modules/chat/neutral/events.ts";
import type { UpstreamStream } from "../../../modules/chat/neutral/formats.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { exceptionEvent } from "../../../wire/frame-feed.ts";
import { asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { inBandFailure } from "../errors.ts";
import { finishOf, isFailure, refusedOf } from "./finish.ts";
import { readCitation, readImage, signatureIn } from "./read-blocks.ts";
import { readUsage } from "./usage.ts";

/** Reads a stream of ConverseStream. `origin`: the format that signatures belong to. */
export function readConverseStream(origin: string): UpstreamStream {
  /** Number of the call of each block that is one. */
  const calls = new Map<number, number>();
  /** Blocks of calls whose input has not begun. */
  const silent = new Set<number>();
  /** Pieces of thinking that came encrypted, by their block: the vendor may send one in several. */
  const redacted = new Map<number, string[]>();
  let citations: Citation[] = [];
  let textStart = 0;
  let textEnd = 0;
  let filled = false;
  let finished = false;

  function startBlock(index: number, start: JsonObject, emit: Emit): void {
    const call = asObject(start.toolUse);
    if (call === undefined || call.type === "server_tool_use") return;
    const number = calls.size;
    calls.set(index, number);
    silent.add(index);
    filled = true;
    const id = asString(call.toolUseId) ?? "";
    emit({ type: "tool_call", choice: 0, call: number, id, name: asString(call.name) ?? "", custom: false });
  }

  function readDelta(index: number, delta: JsonObject, emit: Emit): void {
    const text = asString(delta.text);
    if (text) {
      textEnd += text.length;
      filled = true;
      emit({ type: "text", choice: 0, text });
    }
    const piece = asString(asObject(delta.toolUse)?.input);
    const call = calls.get(index);
    if (piece && call !== undefined) {
      silent.delete(index);
      emit({ type: "tool_input", choice: 0, call, text: piece });
    }
    const reasoning = asObject(delta.reasoningContent);
    if (reasoning !== undefined) readReasoning(index, reasoning, emit);
    const citation = asObject(delta.citation);
    if (citation !== undefined) for (const one of readCitation(citation)) citations.push(one);
    const image = readImage(asObject(delta.image));
    if (image !== undefined) {
      filled = true;
      emit({ type: "image", choice: 0, ...image });
    }
  }

  function readReasoning(index: number, reasoning: JsonObject, emit: Emit): void {
    const text = asString(reasoning.text);
    if (text) emit({ type: "thinking", choice: 0, text });
    const signature = signatureIn(reasoning.signature, origin);
    if (signature !== undefined) emit({ type: "signature", choice: 0, signature });
    const encrypted = asString(reasoning.redactedContent);
    if (encrypted) {
      const pieces = redacted.get(index);
      if (pieces === undefined) redacted.set(index, [encrypted]);
      else pieces.push(encrypted);
    }
    filled ||= Boolean(text) || Boolean(encrypted);
  }

  function endBlock(index: number, emit: Emit): void {
    const call = calls.get(index);
    // A call without arguments may come without input; other formats want the empty object.
    if (call !== undefined && silent.delete(index)) emit({ type: "tool_input", choice: 0, call, text: "{}" });
    const pieces = redacted.get(index);
    if (pieces !== undefined) {
      emit({ type: "redacted_thinking", choice: 0, signature: { origin, value: joinBase64(pieces) } });
    }
    redacted.delete(index);
    for (const citation of citations) {
      emit({ type: "citation", choice: 0, citation: { ...citation, start: textStart, end: textEnd } });
    }
    citations = [];
    textStart = textEnd;
  }

  function stop(reason: string, emit: Emit): void {
    // A second reason does not take back the first.
    if (finished) return;
    if (!filled && isFailure(reason)) {
      throw new ThroughlineError("upstream_error", `The upstream gave no answer (${reason}).`);
    }
    finished = true;
    for (const index of [...silent, ...redacted.keys()]) endBlock(index, emit);
    const refused = refusedOf(reason);
    emit({ type: "finish", choice: 0, reason: finishOf(reason), ...(refused === undefined ? {} : { refused }) });
  }

  return {
    read({ event, data }, emit) {
      const said = asObject(parseExact(data));
      if (said === undefined) throw inBandFailure("", "it sent an event that is not valid JSON");
      const index = typeof said.contentBlockIndex === "number" ? said.contentBlockIndex : 0;
      switch (event) {
        case "messageStart":
          emit({ type: "start", model: "" });
          break;
        case "contentBlockStart":
          startBlock(index, asObject(said.start) ?? {}, emit);
          break;
        case "contentBlockDelta":
          readDelta(index, asObject(said.delta) ?? {}, emit);
          break;
        case "contentBlockStop":
          endBlock(index, emit);
          break;
        case "messageStop":
          stop(asString(said.stopReason) ?? "end_turn", emit);
          break;
        case "metadata": {
          const usage = readUsage(said);
          if (usage !== undefined) emit({ type: "usage", usage });
          break;
        }
        case exceptionEvent:
          throw inBandFailure(asString(said.type) ?? "", asString(said.message) ?? "");
      }
    },
    isComplete() {
      return finished;
    },
  };
}

/** Pieces of bytes in base64 as one: each may have its own padding. */
function joinBase64(pieces: readonly string[]): string {
  const [first = ""] = pieces;
  if (pieces.length === 1) return first;
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64"))).toString("base64");
}
