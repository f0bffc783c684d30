import type { ServerResponse } from "node:http";
import type { Answer } from "../story/ask.ts";
import type { Cost } from "../view/cost.ts";
import type { Body } from "./body.ts";
import { createFlowingAnswer } from "./flowing.ts";
import type { InBand } from "./in-band.ts";
import type { OpenStreams } from "./open-streams.ts";

const nothing = new Uint8Array();
/** What keeps a connection alive and says nothing. */
const comment = Buffer.from(": keep-alive\n\n");

/** An answer of server-sent events. */
export function createEventsAnswer(response: ServerResponse, open: OpenStreams, inBand: InBand): Answer {
  const { requestId, tellsCost } = inBand;
  let body: Body | undefined;
  const stream = { said: true, quietTicks: 0, ping: () => void body?.write(comment) };
  let close = (): void => {};
  let lastFrame: Uint8Array | undefined;
  /** Known, and not given yet. */
  let cost: Cost | undefined;
  const flowing = createFlowingAnswer(
    response,
    {
      begin({ contentType }) {
        response.setHeader("content-type", contentType || "text/event-stream; charset=utf-8");
        response.setHeader("cache-control", "no-store, no-transform");
        response.setHeader("x-accel-buffering", "no");
      },
      opened(given) {
        body = given;
        close = open.add(stream);
      },
      gives(data) {
        stream.said = true;
        lastFrame = data;
      },
      costs(said) {
        cost = said;
      },
      close: () => close(),
      failure: (error) => inBand.error(error, requestId, lastFrame),
    },
    tellsCost,
  );

  if (!tellsCost) return flowing;

  /** The last bytes, with the cost in them. */
  function withCost(last: Uint8Array): Uint8Array {
    if (cost === undefined) return last;
    const told = inBand.cost(cost, requestId, last, lastFrame);
    cost = undefined;
    return told;
  }

  return {
    ...flowing,
    write: (data, more) => flowing.write(withCost(data), more),
    end() {
      const last = withCost(nothing);
      if (last.length > 0) void flowing.write(last);
      flowing.end();
    },
  };
}
