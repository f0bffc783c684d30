import { noUsage } from "../../../../../shared/money/usage.ts";
import { createJsonEnd } from "../../../wire/json-end.ts";
import type { Finish, RefusalReason } from "../neutral/answer.ts";
import type { ClientStream, StreamHead } from "../neutral/formats.ts";
import { type Signature, signatureText } from "../neutral/signature.ts";
import { messagesFormat } from "./format-name.ts";
import { withRefusal } from "./stop-reasons.ts";
import { writeUsage } from "./usage.ts";
import { imageText, signedCall, startOfCall, writeCitation, writeStop } from "./write-answer.ts";

/** One event with its name: clients drop events without. */
export function sse(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

interface WaitingCall {
  readonly call: number;
  readonly id: string;
  readonly name: string;
  readonly signature: Signature | undefined;
  readonly custom: boolean;
  readonly pieces: string[];
  readonly isWhole: () => boolean;
}

/**
 * A stream of message events. Blocks stand one after the other and each is closed before the next is opened, so a call
 * whose pieces come while another is open waits until that one's input is complete.
 */
export function writeMessageStream(head: StreamHead): ClientStream {
  let index = -1;
  let open: "text" | "thinking" | "tool" | undefined;
  let openCall: WaitingCall | undefined;
  let waiting: WaitingCall[] = [];
  /** Calls of `waiting` before this one have been written. */
  let nextWaiting = 0;
  const waitingByCall = new Map<number, WaitingCall>();
  let called = false;
  let finish: { reason: Finish; stopSequence: string | undefined; refused?: RefusalReason | undefined } | undefined;
  /** What the model said as it declined. */
  const declined: string[] = [];

  function close(): string {
    if (open === undefined) return "";
    open = undefined;
    return sse("content_block_stop", { type: "content_block_stop", index });
  }

  function begin(kind: NonNullable<typeof open>, block: object): string {
    const closed = close();
    open = kind;
    index++;
    return closed + sse("content_block_start", { type: "content_block_start", index, content_block: block });
  }

  /** Text deltas are most of a stream: their frame is a string, only the text is encoded. */
  function delta(type: string, field: string, text: string): string {
    return `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${type}","${field}":${JSON.stringify(text)}}}\n\n`;
  }

  function text(piece: string): string {
    const begun = open === "text" ? "" : flush() + begin("text", { type: "text", text: "" });
    return begun + delta("text_delta", "text", piece);
  }

  function thinking(piece: string): string {
    const begun =
      open === "thinking" ? "" : flush() + begin("thinking", { type: "thinking", thinking: "", signature: "" });
    return piece === "" ? begun : begun + delta("thinking_delta", "thinking", piece);
  }

  function beginCall(call: WaitingCall): string {
    called = true;
    let out = "";
    if (call.signature !== undefined) {
      out += begin("thinking", { ...signedCall(""), signature: "" });
      out += delta("signature_delta", "signature", signatureText(call.signature, messagesFormat));
    }
    out += begin("tool", startOfCall(call));
    openCall = call;
    return out;
  }

  /** A custom tool's free text can only travel as the value of an object: whole, at its end. */
  function endOfCall(call: WaitingCall): string {
    return call.custom
      ? delta("input_json_delta", "partial_json", JSON.stringify({ input: call.pieces.join("") }))
      : "";
  }

  function closeCall(): string {
    if (openCall === undefined) return "";
    const out = endOfCall(openCall) + close();
    openCall = undefined;
    return out;
  }

  /** Writes every call that waits, each whole. */
  function flush(): string {
    let out = closeCall();
    while (nextWaiting < waiting.length) out += beginWaiting() + closeCall();
    waiting = [];
    nextWaiting = 0;
    return out;
  }

  /** Writes the first call that waits, with what has come of its input. */
  function beginWaiting(): string {
    const call = waiting[nextWaiting++];
    if (call === undefined) return "";
    waitingByCall.delete(call.call);
    const out = beginCall(call);
    return call.custom || call.pieces.length === 0
      ? out
      : out + delta("input_json_delta", "partial_json", call.pieces.join(""));
  }

  /** The open call's input is whole: the next one that waits may go on as it comes. */
  function next(): string {
    let out = "";
    while (openCall !== undefined && nextWaiting < waiting.length && isWhole(openCall)) {
      out += closeCall() + beginWaiting();
    }
    return out;
  }

  return {
    write(event) {
      switch (event.type) {
        case "start":
          return sse("message_start", {
            type: "message_start",
            message: {
              id: head.id,
              type: "message",
              role: "assistant",
              model: event.model,
              content: [],
              ...writeStop(undefined, undefined),
              container: null,
              // Clients show how full the window is from here on.
              usage: writeUsage(head.usageSoFar?.() ?? noUsage),
            },
          });
        case "refusal":
          declined.push(event.text);
          return text(event.text);
        case "text":
          return text(event.text);
        case "thinking":
          return thinking(event.text);
        case "signature": {
          const begun = open === "thinking" ? "" : thinking("");
          return (
            begun + delta("signature_delta", "signature", signatureText(event.signature, messagesFormat)) + close()
          );
        }
        case "redacted_thinking": {
          const data = signatureText(event.signature, messagesFormat);
          return flush() + begin("thinking", { type: "redacted_thinking", data }) + close();
        }
        case "tool_call": {
          const { call, id, name, signature, custom } = event;
          const pieces: string[] = [];
          const started = { call, id, name, signature, custom, pieces, isWhole: createJsonEnd(pieces) };
          if (openCall === undefined) return beginCall(started);
          waiting.push(started);
          waitingByCall.set(call, started);
          return next();
        }
        case "tool_input": {
          if (openCall?.call === event.call) {
            openCall.pieces.push(event.text);
            const out = openCall.custom ? "" : delta("input_json_delta", "partial_json", event.text);
            return out + next();
          }
          waitingByCall.get(event.call)?.pieces.push(event.text);
          return "";
        }
        case "image":
          return text(imageText(event.mediaType, event.data));
        case "citation": {
          const begun = open === "text" ? "" : flush() + begin("text", { type: "text", text: "" });
          const citation = { type: "citations_delta", citation: writeCitation(event.citation) };
          return begun + sse("content_block_delta", { type: "content_block_delta", index, delta: citation });
        }
        case "finish":
          finish = { reason: event.reason, stopSequence: event.stopSequence, refused: event.refused };
          return flush() + close();
        case "logprobs":
        case "usage":
          return "";
      }
    },
    end({ usage }) {
      const last = finish ?? { reason: called ? ("tool_calls" as const) : ("stop" as const), stopSequence: undefined };
      const said = declined.join("");
      const delta = writeStop(withRefusal(last.reason, said), last.stopSequence, last.refused, said);
      return (
        flush() +
        close() +
        sse("message_delta", { type: "message_delta", delta, usage: writeUsage(usage) }) +
        sse("message_stop", { type: "message_stop" })
      );
    },
  };
}

function isWhole(call: WaitingCall): boolean {
  return !call.custom && call.isWhole();
}
