import { createHash } from "node:crypto";
import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { noUsage } from "../../../../shared/money/usage.ts";
import type { Asked, BytesHead, BytesTranslation } from "../../domain/exchange.ts";

const nothing = new Uint8Array();
/** What stores say of bytes of which they know nothing. */
const saysNothing = /^$|octet-stream/;
/** Pages of a proxy or a sign-in that stand where a result was expected. */
const isText = /^text\/|^application\/(xml|xhtml)/;
/** What a result is by its variant, where nobody says. */
const usualTypes: Readonly<Record<string, string>> = { video: "video/mp4", thumbnail: "image/webp" };

/** A result of a job that goes on as it comes. It costs nothing: the job was charged. */
export function createResultBytes(head: BytesHead, { job, keepResponse }: Asked): BytesTranslation {
  const { contentLength } = head;
  const usual = usualTypes[job?.variant ?? ""] ?? "application/octet-stream";
  const contentType = saysNothing.test(head.contentType) ? usual : head.contentType;
  const hash = keepResponse ? createHash("sha256") : undefined;
  let bytes = 0;
  let ended = false;
  const isComplete = () => contentLength !== undefined && bytes >= contentLength;
  return {
    head: { ...head, contentType },
    chunk(data) {
      if (isText.test(contentType)) {
        throw new ThroughlineError("upstream_error", "The upstream's answer is not the result of the job.");
      }
      hash?.update(data);
      bytes += data.length;
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
      usage: { ...noUsage, estimated: false },
      finishReason: "",
      messageId: job?.vendorJobId ?? "",
      responseModel: "",
    }),
    document: () => ({ body: hash === undefined ? nothing : documentOf(hash.digest("hex")), truncated: !ended }),
    contentChunks: () => 0,
  };

  function documentOf(sha256: string): Buffer {
    return Buffer.from(JSON.stringify({ object: "video", content_type: contentType, bytes, sha256 }));
  }
}
