import {
  createTRPCClient,
  httpBatchLink,
  httpLink,
  httpSubscriptionLink,
  splitLink,
  TRPCClientError,
} from "@trpc/client";
import { Agent, EventSource } from "undici";
import { secrets, type TestGateway } from "../testing.ts";
import type { AppRouter } from "./router.ts";

/** Which key calls. */
export type Kind = keyof typeof secrets;

/** A typed client of a gateway, as any TypeScript program makes one. */
export function clientOf(gateway: TestGateway, kind: Kind | "unknown" = "cli", batched = false) {
  const secret = kind === "unknown" ? "tl-unknown-0123456789" : secrets[kind];
  const options = { url: `${gateway.url}/trpc`, headers: { authorization: `Bearer ${secret}` } };
  const dispatcher = new Agent().compose((dispatch) => (request, handler) => {
    return dispatch(
      { ...request, headers: { ...(request.headers as object), authorization: `Bearer ${secret}` } },
      handler,
    );
  });
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: (operation) => operation.type === "subscription",
        true: httpSubscriptionLink({ url: options.url, EventSource, eventSourceOptions: { node: { dispatcher } } }),
        false: batched ? httpBatchLink(options) : httpLink(options),
      }),
    ],
  });
}

/** What tRPC's client makes of a refusal. Throws when there is none. */
export const failure = async (run: () => Promise<unknown>) => {
  const error = await run().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TRPCClientError)) throw new Error(`not refused by tRPC: ${String(error)}`);
  return { message: error.message, data: error.data as Record<string, unknown> };
};
