import type { ServerResponse } from "node:http";
import { StringDecoder } from "node:string_decoder";
import type { Answer } from "../story/ask.ts";
import type { Body } from "./body.ts";
import { createFlowingAnswer } from "./flowing.ts";
import type { InBand } from "./in-band.ts";
import type { OpenStreams } from "./open-streams.ts";

const eventStart = "data: ";
const eventEnd = "\n\n";
/** Between entries a list may have any. */
const space = Buffer.from("\n");

/** An answer of server-sent events as the entries of one JSON list, which grows as they come. */
export function createListAnswer(response: ServerResponse, open: OpenStreams, inBand: InBand): Answer {
  const { requestId, tellsCost } = inBand;
  let body: Body | undefined;
  const stream = { said: true, quietTicks: 0, ping: () => void body?.write(space) };
  let close = (): void => {};
  let entries = 0;
  let rest = "";
  const decoder = new StringDecoder("utf8");

  /** The text of whole events as entries. */
  function entriesOf(events: string): string {
    let text = "";
    for (const event of events.split(eventEnd)) {
      if (!event.startsWith(eventStart)) continue;
      text += `${entries++ === 0 ? "[" : ",\r\n"}${event.slice(eventStart.length)}`;
    }
    return text;
  }

  let cost = "";
  const flowing = createFlowingAnswer(
    response,
    {
      begin() {
        response.setHeader("content-type", "application/json; charset=utf-8");
        response.setHeader("cache-control", "no-store, no-transform");
        response.setHeader("x-accel-buffering", "no");
      },
      opened(given) {
        body = given;
        close = open.add(stream);
      },
      gives() {
        stream.said = true;
      },
      costs(said) {
        cost = inBand.cost(said, requestId, new Uint8Array(), undefined).toString();
      },
      close: () => close(),
      failure: (error) => `${entriesOf(cost + inBand.error(error, requestId, undefined))}]`,
    },
    tellsCost,
  );
  return {
    ...flowing,
    write(data) {
      rest += decoder.write(Buffer.from(data.buffer, data.byteOffset, data.length));
      const end = rest.lastIndexOf(eventEnd);
      if (end < 0) return undefined;
      const text = entriesOf(rest.slice(0, end));
      rest = rest.slice(end + eventEnd.length);
      return text === "" ? undefined : flowing.write(Buffer.from(text));
    },
    end() {
      const last = entriesOf(cost);
      void flowing.write(Buffer.from(entries === 0 ? "[]" : `${last}]`));
      flowing.end();
    },
  };
}
