import type { OpenLink, ServerLink, ServerLinkEvents } from "./link.ts";

/**
 * Opens a lane within the process: the two ends call each other. `accept` gives nothing where the server takes no lanes.
 * What one end sends in a tick is one batch for the other, as over gRPC.
 */
export function openLocalLink(
  accept: (link: ServerLink<unknown>) => ServerLinkEvents<unknown> | undefined,
  maxMessageBytes: number,
): OpenLink<unknown> {
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
      maxResultBytes: maxMessageBytes,
      congested: false,
      send(results) {
        for (const { callId, kind, payload } of results) {
          if (over) return;
          events.result(callId, kind, payload);
        }
      },
      announceDrain: () => void setImmediate(() => over || events.draining()),
      finish: () => close(undefined),
      destroy: () => close(new Error("the lane was cut")),
    });
    if (server === undefined) close(new Error("the server is leaving"));
    else setImmediate(() => over || events.ready(maxMessageBytes));

    return {
      congested: false,
      send(items) {
        if (over || ended || server === undefined) return;
        for (const { callId, op, requestId, traceparent, timeoutMs, payload } of items) {
          server.item(callId, op, requestId, traceparent, timeoutMs, payload);
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
