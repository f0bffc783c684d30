import { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { Asked, BytesHead, BytesTranslation } from "../../domain/exchange.ts";
import { createHeard } from "./heard.ts";
import { checkAudioType, contentTypeOf, type SpeechRequest, speechUsage } from "./speech.ts";

const nothing = new Uint8Array();

/** Speech that an upstream sends as bytes: they go on as they come. Once one has come the speech is charged in full. */
export function createSpeechBytes(asked: Asked, request: SpeechRequest, head: BytesHead): BytesTranslation {
  const heard = createHeard();
  const { contentLength } = head;
  const contentType = head.contentType || contentTypeOf(request.format);
  const isComplete = () => contentLength !== undefined && heard.bytes() >= contentLength;
  let ended = false;
  return {
    head: { contentType, contentLength },
    // Whoever says how long it is has it.
    isMade: contentLength !== undefined,
    chunk(data) {
      checkAudioType(contentType);
      heard.add(data);
      return data;
    },
    end() {
      if (contentLength !== undefined && !isComplete()) {
        throw new ThroughlineError("upstream_error", "The upstream's answer ended too early.");
      }
      ended = true;
      return nothing;
    },
    isComplete,
    facts: () => ({
      // The part that has come says nothing of the whole.
      usage: speechUsage(asked, request, {}, ended ? heard.durationMs(contentType) : undefined),
      finishReason: "",
      messageId: "",
      responseModel: "",
    }),
    document: () => ({
      body: asked.keepResponse ? heard.document(contentType) : nothing,
      truncated: !ended,
    }),
    contentChunks: () => 0,
  };
}
