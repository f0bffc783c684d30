import type { ServerResponse } from "node:http";
import type { ThroughlineError } from "../../shared/errors/error.ts";
import type { Head } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { Answer } from "../story/ask.ts";
import { type Cost, costOf } from "../view/cost.ts";
import { type Body, openBody } from "./body.ts";
import { watchClient } from "./client-watch.ts";
import { costFields, costFieldsOf } from "./costs.ts";
import { setHead } from "./head.ts";

/** What differs between answers that are given as they come. */
export interface Flow {
  /** Puts the headers of its kind on the response. */
  begin(head: Head): void;
  /** The head was written. */
  opened(body: Body): void;
  /** The client is given bytes. */
  gives(data: Uint8Array): void;
  /** The answer ends, however it does; it may be called twice. */
  close(): void;
  /** What the answer costs, before its last bytes are given. Absent: nothing in it can say so, its trailers do. */
  costs?(cost: Cost): void;
  /** What the client gets of a failure after the beginning; undefined: the connection is cut. */
  failure(error: ThroughlineError): string | undefined;
}

/** An answer that is given as it comes, as fast as the client takes it. */
export function createFlowingAnswer(response: ServerResponse, flow: Flow, tellsCost: boolean): Answer {
  const watch = watchClient(response);
  let body: Body | undefined;
  let drained: (() => void) | undefined;
  let waits = true;
  let trailers: Readonly<Record<string, string>> | undefined;
  watch.onGone(() => {
    flow.close();
    drained?.();
  });

  return {
    isGone() {
      return watch.gone;
    },
    hasBegun() {
      return body !== undefined;
    },
    onGone: watch.onGone,
    begin(head, headers) {
      setHead(response, head, headers);
      flow.begin(head);
      if (tellsCost) response.setHeader("trailer", costFields.join(", "));
      response.writeHead(head.httpStatus === 206 ? 206 : 200);
      body = openBody(response, () => drained?.());
      flow.opened(body);
    },
    write(data, more) {
      flow.gives(data);
      if (body?.write(data, more) !== false || watch.gone || !waits) return undefined;
      return new Promise((resolve) => {
        drained = resolve;
      });
    },
    letGo() {
      waits = false;
      drained?.();
    },
    end() {
      flow.close();
      if (body === undefined) response.end();
      else body.end(undefined, trailers);
    },
    costs(settlement) {
      const cost = costOf(settlement);
      trailers = costFieldsOf(cost);
      flow.costs?.(cost);
    },
    fail(error) {
      flow.close();
      const said = flow.failure(error);
      if (said === undefined || body === undefined) response.destroy();
      else body.end(Buffer.from(said), trailers);
    },
  };
}
