import { httpSubscriptionLink, type TRPCLink } from "@trpc/client";
import { Agent, EventSource } from "undici";
import type { AppRouter } from "../gateway/trpc/router.ts";

/** What subscriptions go over. Its library has a hundred files, which commands that subscribe to nothing need not load. */
export function subscribing(url: string, authorization: string): TRPCLink<AppRouter> {
  return httpSubscriptionLink({
    url,
    EventSource,
    eventSourceOptions: { node: { dispatcher: sending(authorization) } },
  });
}

/** A dispatcher that sends the key: an EventSource takes no headers, and in the address the key would be in logs. */
function sending(authorization: string) {
  return new Agent().compose((dispatch) => (request, handler) => {
    return dispatch({ ...request, headers: { ...Object(request.headers), authorization } }, handler);
  });
}
