import { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { AnswerFacts, Asked, BytesHead, BytesTranslation } from "../../domain/exchange.ts";
import { createEventFeed } from "../../wire/event-feed.ts";
import { asObject, parseJson } from "../../wire/json.ts";
import { usualSampleRate, wavHead, wavHeadBytes } from "../../wire/wav-head.ts";
import { createHeard } from "./heard.ts";
import { checkAudioType, contentTypeOf, type SpeechCounts, type SpeechRequest, speechUsage } from "./speech.ts";
import { audioDelta, audioDone } from "./speech-events.ts";
import type { SpeechFormat, SpeechMessage, Spoken } from "./speech-format.ts";

/**
 * Speech that comes bit by bit, as bytes or in a vendor's events, for a client that wants bytes or OpenAI's events. Once some of it
 * has gone out the speech is charged in full.
 */
export function createSpoken(
  asked: Asked,
  request: SpeechRequest,
  format: Pick<SpeechFormat, "read">,
  made: Pick<SpeechMessage, "format" | "headed">,
  head: BytesHead,
): BytesTranslation {
  const heard = createHeard();
  const audioType = contentTypeOf(made.format);
  const isEvents = head.contentType.includes("event-stream");
  /** Bytes of the audio that the upstream announces. */
  const announced = isEvents ? undefined : head.contentLength;
  const feed = isEvents ? createEventFeed(({ data }) => takeEvent(data)) : undefined;
  let out: Uint8Array[] = [];
  let counts: SpeechCounts = {};
  let upstreamRequestId = "";
  let received = 0;
  let isLast = false;
  let ended = false;

  const isComplete = () => isLast || (announced !== undefined && received >= announced);

  function takeEvent(data: string): void {
    if (data === "" || data.startsWith("[DONE]")) return;
    const json = asObject(parseJson(data));
    if (json === undefined) throw new ThroughlineError("upstream_error", "The upstream sent an event that is no JSON.");
    take(format.read(json));
  }

  function take(spoken: Spoken): void {
    counts = withCounts(counts, spoken.counts);
    upstreamRequestId ||= spoken.id ?? "";
    if (spoken.audio !== undefined && spoken.audio.length > 0 && !(spoken.isAll === true && received > 0)) {
      give(spoken.audio, spoken.sampleRate);
    }
    isLast ||= spoken.isLast === true;
  }

  function give(audio: Uint8Array, sampleRate = usualSampleRate): void {
    if (received === 0 && made.headed) pass(wavHead(sampleRate, announced));
    received += audio.length;
    pass(audio);
  }

  function pass(audio: Uint8Array): void {
    heard.add(audio);
    out.push(asked.stream ? audioDelta(audio) : audio);
  }

  function taken(): Uint8Array {
    const [only = nothing, ...more] = out;
    const all = more.length === 0 ? only : Buffer.concat(out);
    out = [];
    return all;
  }

  const usage = (): AnswerFacts["usage"] =>
    // The part that has come says nothing of the length of the whole.
    speechUsage(asked, request, counts, ended ? heard.durationMs(audioType) : undefined);

  return {
    head: asked.stream
      ? { contentType: "text/event-stream; charset=utf-8" }
      : {
          contentType: audioType,
          contentLength: announced === undefined ? undefined : announced + (made.headed ? wavHeadBytes : 0),
        },
    // Whoever says how long it is has it.
    isMade: announced !== undefined,
    chunk(data) {
      if (feed === undefined) {
        checkAudioType(head.contentType);
        give(data);
      } else {
        feed.feed(data);
      }
      return taken();
    },
    end() {
      feed?.end();
      // An answer without a length that ends well is whole; events say themselves which is the last.
      if ((isEvents || announced !== undefined) && !isComplete()) {
        throw new ThroughlineError("upstream_error", "The upstream's answer ended too early.");
      }
      ended = true;
      if (asked.stream && received > 0) out.push(audioDone(usage()));
      return taken();
    },
    isComplete,
    facts: () => ({ usage: usage(), finishReason: "", messageId: "", responseModel: "" }),
    document: () => ({ body: asked.keepResponse ? heard.document(audioType) : nothing, truncated: !ended }),
    contentChunks: () => 0,
    upstreamRequestId: () => upstreamRequestId,
  };
}

const nothing = new Uint8Array();

/** Counts with newer ones: what is not said anew holds. */
function withCounts(counts: SpeechCounts, { inputTokens, audioTokens, characters }: SpeechCounts = {}): SpeechCounts {
  return {
    inputTokens: inputTokens ?? counts.inputTokens,
    audioTokens: audioTokens ?? counts.audioTokens,
    characters: characters ?? counts.characters,
  };
}
