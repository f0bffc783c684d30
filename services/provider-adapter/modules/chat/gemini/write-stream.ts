import type { JsonObject } from "../../../wire/json.ts";
import type { AnswerPart, Citation, Finish } from "../neutral/answer.ts";
import type { AnswerHead, ClientStream } from "../neutral/formats.ts";
import { finishReasonOf } from "./finish-reasons.ts";
import { writeGrounding, writeLogprobs, writePart, writeUsage } from "./write-answer.ts";

type Call = Extract<AnswerPart, { type: "tool_call" }>;

interface OpenCandidate {
  /** Calls whose input is still coming, by their number: the format gives a call whole. */
  readonly calls: Map<number, { readonly head: Omit<Call, "input">; readonly pieces: string[] }>;
  readonly citations: Citation[];
  finish: Finish | undefined;
}

/** A stream of answers, each with the new parts alone; the last one has the finish and the usage. No `[DONE]` follows. */
export function writeGeneratedStream(about: Omit<AnswerHead, "model">): ClientStream {
  const candidates = new Map<number, OpenCandidate>();
  let model = "";

  function candidateOf(index: number): OpenCandidate {
    let candidate = candidates.get(index);
    if (candidate === undefined) {
      candidate = { calls: new Map(), citations: [], finish: undefined };
      candidates.set(index, candidate);
    }
    return candidate;
  }

  function chunk(given: readonly JsonObject[], more: JsonObject = {}): string {
    const answer = { candidates: given, ...more, modelVersion: model, responseId: about.id };
    return `data: ${JSON.stringify(answer)}\n\n`;
  }

  function parts(index: number, written: readonly JsonObject[]): string {
    return written.length === 0 ? "" : chunk([{ content: { parts: written, role: "model" }, index }]);
  }

  /** Calls are whole when something else comes. */
  function flush(index: number, { calls }: OpenCandidate): string {
    const written = [...calls.values()].flatMap(({ head, pieces }) => writePart({ ...head, input: pieces.join("") }));
    calls.clear();
    return parts(index, written);
  }

  return {
    write(event) {
      if (event.type === "usage") return "";
      if (event.type === "start") {
        model = event.model;
        return "";
      }
      const index = event.choice;
      const candidate = candidateOf(index);
      switch (event.type) {
        case "tool_call": {
          const { id, name, custom, signature } = event;
          candidate.calls.set(event.call, { head: { type: "tool_call", id, name, custom, signature }, pieces: [] });
          return "";
        }
        case "tool_input":
          candidate.calls.get(event.call)?.pieces.push(event.text);
          return "";
        case "text":
        case "refusal":
        case "thinking":
          return flush(index, candidate) + parts(index, writePart({ type: event.type, text: event.text }));
        case "signature":
          return (
            flush(index, candidate) +
            parts(index, writePart({ type: "thinking", text: "", signature: event.signature }))
          );
        case "redacted_thinking":
          return (
            flush(index, candidate) + parts(index, writePart({ type: "redacted_thinking", signature: event.signature }))
          );
        case "image":
          return (
            flush(index, candidate) +
            parts(index, writePart({ type: "image", mediaType: event.mediaType, data: event.data }))
          );
        case "citation":
          candidate.citations.push(event.citation);
          return "";
        case "logprobs":
          return chunk([
            { content: { parts: [{ text: "" }], role: "model" }, index, logprobsResult: writeLogprobs(event.value) },
          ]);
        case "finish":
          candidate.finish = event.reason;
          return flush(index, candidate);
      }
    },
    end({ usage }) {
      let text = "";
      for (const [index, candidate] of candidates) text += flush(index, candidate);
      const last = [...candidates].map(([index, { finish, citations }]) => ({
        content: { parts: [{ text: "" }], role: "model" },
        finishReason: finishReasonOf(finish ?? "stop"),
        index,
        ...(citations.length === 0 ? {} : { groundingMetadata: writeGrounding(citations) }),
      }));
      return text + chunk(last, { usageMetadata: writeUsage(usage) });
    },
  };
}
