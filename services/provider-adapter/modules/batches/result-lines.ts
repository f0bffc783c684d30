import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { noUsage } from "../../../../shared/money/usage.ts";
import type { BytesHead, BytesTranslation } from "../../domain/exchange.ts";

const nothing = new Uint8Array();

/** A file of results that goes on as it comes. It costs nothing: its lines are charged. */
export function createResultLines(head: BytesHead): BytesTranslation {
  const { contentLength } = head;
  let bytes = 0;
  const isComplete = () => contentLength !== undefined && bytes >= contentLength;
  return {
    head,
    chunk(data) {
      bytes += data.length;
      return data;
    },
    end() {
      if (contentLength === undefined || isComplete()) return nothing;
      throw new ThroughlineError("upstream_error", "The upstream's answer ended too early.");
    },
    isComplete,
    facts: () => ({ usage: { ...noUsage, estimated: false }, finishReason: "", messageId: "", responseModel: "" }),
    document: () => ({ body: nothing, truncated: false }),
    contentChunks: () => 0,
  };
}
