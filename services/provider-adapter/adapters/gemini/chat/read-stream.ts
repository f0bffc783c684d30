import { randomUUID } from "node:crypto";
import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import { geminiFormatName } from "../../../modules/chat/gemini/format-name.ts";
import type { Emit } from "../../../modules/chat/neutral/events.ts";
import type { UpstreamStream } from "../../../modules/chat/neutral/formats.ts";
import { isReadable } from "../../../modules/chat/readable.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { failureOf } from "../../failures.ts";
import { errorOf, inBandFailure } from "../errors.ts";
import type { Generation } from "../models.ts";
import { citationsOf } from "./citations.ts";
import { finishOf, isFailure, refusedOf } from "./finish.ts";
import { readUsage } from "./usage.ts";

interface OpenCandidate {
  calls: number;
  /** It holds anything. */
  filled: boolean;
  finished: boolean;
  /** Text so far, where its sources may be told. */
  text: string[];
  sources: JsonObject | undefined;
}

/** Fields of which a candidate has at least one. */
const candidateFields = ["content", "finishReason", "groundingMetadata", "logprobsResult"];

/** Longest ID that every dialect's vendor takes in a tool call is 40; the rest of it is ours. */
const maxSeedLength = 24;

/** Reads the chunks of an answer: each is a whole response object with only the new parts. */
export interface ChunkReader {
  /** Throws a ThroughlineError when the chunk is an error, or says that the prompt was refused. */
  read(chunk: JsonObject, emit: Emit): void;
  /** A finish reason came. */
  isComplete(): boolean;
}

/**
 * Begins to read an answer.
 *
 * @param keepText the text is kept, so that its sources can be placed.
 */
export function createChunkReader(
  keepText: boolean,
  { searchesBilled }: Pick<Generation, "searchesBilled">,
): ChunkReader {
  const candidates = new Map<number, OpenCandidate>();
  /** Searches of the web so far. */
  const queries = new Set<string>();
  let started = false;
  let finished = 0;
  let idSeed = "";

  function candidateOf(index: number): OpenCandidate {
    let candidate = candidates.get(index);
    if (candidate === undefined) {
      candidate = { calls: 0, filled: false, finished: false, text: [], sources: undefined };
      candidates.set(index, candidate);
    }
    return candidate;
  }

  function readPart(part: JsonObject, index: number, candidate: OpenCandidate, emit: Emit): void {
    const value = asString(part.thoughtSignature);
    const signature = value ? { origin: geminiFormatName, value } : undefined;
    const call = asObject(part.functionCall);
    if (call !== undefined) {
      const number = candidate.calls++;
      const id = asString(call.id) || `call_${idSeed}_${index}_${number}`;
      const name = asString(call.name) ?? "";
      emit({ type: "tool_call", choice: index, call: number, id, name, custom: false, signature });
      emit({ type: "tool_input", choice: index, call: number, text: JSON.stringify(call.args ?? {}) });
      candidate.filled = true;
      return;
    }
    const text = asString(part.text);
    if (text) {
      if (keepText && part.thought !== true) candidate.text.push(text);
      emit({ type: part.thought === true ? "thinking" : "text", choice: index, text });
      candidate.filled = true;
    }
    const media = asObject(part.inlineData);
    if (media !== undefined && part.thought !== true) {
      const mediaType = asString(media.mimeType) ?? "image/png";
      emit({ type: "image", choice: index, mediaType, data: asString(media.data) ?? "" });
      candidate.filled = true;
    }
    if (signature !== undefined) emit({ type: "signature", choice: index, signature });
  }

  function readCandidate(raw: JsonObject, position: number, emit: Emit): void {
    const index = typeof raw.index === "number" ? raw.index : position;
    const candidate = candidateOf(index);
    const result = asObject(raw.logprobsResult);
    let logprobs = result === undefined ? undefined : readLogprobs(result);
    for (const part of asArray(asObject(raw.content)?.parts)) {
      readPart(asObject(part) ?? {}, index, candidate, (step) => {
        // They are about all of the text of a chunk: its first piece bears them.
        emit(step.type === "text" && logprobs !== undefined ? { ...step, logprobs } : step);
        if (step.type === "text") logprobs = undefined;
      });
    }
    const grounding = asObject(raw.groundingMetadata);
    candidate.sources = grounding ?? candidate.sources;
    for (const query of asArray(grounding?.webSearchQueries)) {
      // One that is empty is not billed, and one that is repeated is billed once.
      if (typeof query === "string" && query !== "") queries.add(query);
    }
    if (logprobs !== undefined) emit({ type: "logprobs", choice: index, value: logprobs });
    const reason = asString(raw.finishReason);
    if (!reason || reason === "FINISH_REASON_UNSPECIFIED" || candidate.finished) return;
    if (!candidate.filled && isFailure(reason)) {
      throw new ThroughlineError("upstream_error", `The upstream gave no answer (${reason}).`);
    }
    candidate.finished = true;
    finished++;
    for (const citation of citationsOf(candidate.sources ?? {}, candidate.text.join(""))) {
      emit({ type: "citation", choice: index, citation });
    }
    const refused = refusedOf(raw, reason);
    emit({
      type: "finish",
      choice: index,
      reason: finishOf(reason, candidate.calls > 0),
      ...(refused === undefined ? {} : { refused }),
    });
  }

  return {
    read(chunk, emit) {
      const error = errorOf(chunk);
      if (error !== undefined) throw inBandFailure(error);
      const list = asArray(chunk.candidates);
      if (!started) {
        const blocked = asString(asObject(chunk.promptFeedback)?.blockReason);
        if (list.length === 0 && blocked) {
          throw failureOf("filtered", { said: `The upstream refused the request for its content (${blocked}).` }).error;
        }
        started = true;
        const upstreamId = asString(chunk.responseId);
        idSeed = (upstreamId ?? randomUUID()).replace(/[^a-zA-Z0-9]/g, "").slice(-maxSeedLength);
        emit({ type: "start", model: asString(chunk.modelVersion) ?? "", upstreamId });
      }
      for (const [position, raw] of list.entries()) {
        const candidate = asObject(raw);
        if (candidate !== undefined && isReadable([raw], candidateFields)) readCandidate(candidate, position, emit);
      }
      const usage = asObject(chunk.usageMetadata);
      // It grows with each chunk; the last one holds.
      const partial = finished === 0;
      if (usage !== undefined) emit({ type: "usage", usage: readUsage(usage), partial });
      if (queries.size > 0) {
        const further = { webSearches: searchesBilled ? queries.size : 1 };
        emit({ type: "usage", usage: { further }, partial: true });
      }
    },
    isComplete() {
      return candidates.size > 0 && finished === candidates.size;
    },
  };
}

/** Reads a stream. `searched`: the request asked for a search of the web. */
export function readGeminiStream(searched: boolean, generation: Generation): UpstreamStream {
  const reader = createChunkReader(searched, generation);
  return {
    read({ data }, emit) {
      if (data === "" || data.startsWith("[DONE]")) return;
      const parsed = parseExact(data);
      const chunk = asObject(parsed) ?? asObject(asArray(parsed)[0]);
      if (chunk === undefined) {
        throw new ThroughlineError("upstream_error", "The upstream sent a chunk that is not valid JSON.");
      }
      reader.read(chunk, emit);
    },
    isComplete() {
      return reader.isComplete();
    },
  };
}

/** `logprobsResult` in OpenAI's form. */
function readLogprobs(result: JsonObject): JsonObject {
  const tops = asArray(result.topCandidates).map((step) => asArray(asObject(step)?.candidates).map(readLogprob));
  const content = asArray(result.chosenCandidates).map((chosen, index) => ({
    ...readLogprob(chosen),
    top_logprobs: tops[index] ?? [],
  }));
  return { content, refusal: null };
}

function readLogprob(raw: unknown): JsonObject {
  const { token, logProbability } = asObject(raw) ?? {};
  const text = asString(token) ?? "";
  return {
    token: text,
    logprob: typeof logProbability === "number" ? logProbability : 0,
    bytes: [...Buffer.from(text)],
  };
}
