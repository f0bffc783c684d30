import type { ServerResponse } from "node:http";
import type { Answer } from "../story/ask.ts";
import { createFlowingAnswer } from "./flowing.ts";
import { printable } from "./head.ts";

/**
 * An answer of bytes (audio, files), given as they come. Nothing can be told inside of them: where one breaks off the connection
 * is cut, which a client sees by the length or by the missing last chunk.
 */
export function createBytesAnswer(response: ServerResponse, tellsCost = false): Answer {
  return createFlowingAnswer(
    response,
    {
      begin({ contentType, contentLength, contentRange }) {
        response.setHeader("content-type", contentType || "application/octet-stream");
        // Trailers follow an answer in chunks alone.
        if (contentLength > 0n && !tellsCost) response.setHeader("content-length", contentLength.toString());
        if (contentRange !== "") response.setHeader("content-range", printable(contentRange));
        response.setHeader("cache-control", "no-store, no-transform");
      },
      opened() {},
      gives() {},
      close() {},
      failure: () => undefined,
    },
    tellsCost,
  );
}
