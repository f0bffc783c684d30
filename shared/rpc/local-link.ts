import { codecOf } from "../codec/lanes.ts";
import { answerTooLargeError, tooLargeError } from "./faults.ts";
import type { OpenLink, ServerLink, ServerLinkEvents } from "./link.ts";
import type { LaneShape } from "./shape.ts";

/**
 * Opens a lane within the process: the two ends call each other. `accept` gives nothing where the server takes no lanes.
 * What one end sends in a tick is one batch for the other, as over gRPC.
 */
export function openLocalLink(
  accept: (link: ServerLink) => ServerLinkEvents<unknown> | undefined,
  shape: LaneShape,
  maxMessageBytes: number,
): OpenLink<unknown> {
  const codec = codecOf(shape.item);
  return (events) => {
    let over = false;
    let ended = false;

    /** Ends the lane for both; the client learns of it in a later tick, as over a socket. */
    function close(fault: Error | undefined): void {
      if (over) return;
      over = true;
      server?.broken();
      setImmediate(() => events.closed(fault));
    }

    const server = accept({
      congested: false,
      send(results) {
        let failed: Set<number> | undefined;
        for (const { callId, kind, value, bytes } of results) {
          if (over) break;
          if (failed?.has(callId)) continue;
          if (bytes <= maxMessageBytes) {
            events.result(callId, kind, value);
            continue;
          }
          const error = answerTooLargeError(bytes, maxMessageBytes);
          failed ??= new Set();
          failed.add(callId);
          server?.unsent(callId, error);
          events.result(callId, "error", error);
        }
        events.given();
      },
      announceDrain: () => void setImmediate(() => over || events.draining()),
      finish: () => close(undefined),
      destroy: () => close(new Error("the lane was cut")),
    });
    if (server === undefined) close(new Error("the server is leaving"));
    else setImmediate(() => over || events.ready());

    return {
      congested: false,
      send(items) {
        if (over || ended || server === undefined) return;
        for (const { callId, op, requestId, traceparent, timeoutMs, message } of items) {
          const bytes = message === undefined ? 0 : codec.weigh(message);
          if (bytes > maxMessageBytes) events.unsent(callId, tooLargeError(bytes, maxMessageBytes));
          else server.item(callId, op, requestId, traceparent, timeoutMs, message);
        }
        server.batchEnd();
      },
      end() {
        if (over || ended) return;
        ended = true;
        server?.ended();
      },
      destroy: () => close(new Error("the lane was cut")),
    };
  };
}
