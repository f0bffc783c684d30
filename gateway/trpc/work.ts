import type { Static, TObject } from "typebox";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { GatewayContext } from "../context.ts";
import { spellingOf } from "../domain/field-spelling.ts";
import { tell } from "../endpoints/answer-ask.ts";
import { readAsk } from "../endpoints/endpoint.ts";
import type { Endpoint, PaidEndpoint, Sent } from "../endpoints/paid-endpoint.ts";
import { beginVideo, videosEndpoint } from "../endpoints/videos/begin.ts";
import { type VideosBody, videosBody } from "../endpoints/videos/schema.ts";
import type { Answer } from "../story/ask.ts";

/** What a procedure that costs money does: the work of an endpoint, on a body that its schema has checked. */
export interface Work {
  readonly endpoint: Pick<PaidEndpoint, "dialect" | "module" | "secretFirst">;
  readonly body: TObject;
  /** Throws catalogue errors with the field's path. */
  carry(context: GatewayContext, given: object, sent: Sent, answer: Answer): Promise<void>;
}

/** The work of an endpoint that takes JSON. */
export function workOf(endpoint: Endpoint): Work {
  const spelling = spellingOf(Object.keys(endpoint.body.properties));
  return {
    endpoint,
    body: endpoint.body,
    async carry(context, given, sent, answer) {
      const body = given as Static<TObject>;
      const ask = await readAsk(context, endpoint, spelling, body, sent);
      if (endpoint.background?.(body) !== undefined) {
        throw new ThroughlineError("invalid_value", "background is not taken here; use the HTTP API.", {
          param: "background",
        });
      }
      await tell(context, ask, answer);
    },
  };
}

/** The work of POST /v1/videos. */
export const videoWork: Work = {
  endpoint: videosEndpoint,
  body: videosBody,
  carry: (context, given, sent, answer) =>
    beginVideo(context, sent, { body: given as VideosBody, raw: sent.rawBody }, answer),
};
