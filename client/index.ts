import { createTRPCClient, type TRPCClient } from "@trpc/client";
import type { AppRouter } from "./contract/router.ts";
import { type ThroughlineOptions, throughlineLinks } from "./links.ts";

export type * from "./contract/chat.ts";
export type * from "./contract/messages.ts";
export type * from "./contract/modules.ts";
export type * from "./contract/receipt.ts";
export type * from "./contract/responses.ts";
export type { AppRouter, ErrorData } from "./contract/router.ts";
export type * from "./contract/units.ts";
export { isThroughlineError, ThroughlineError } from "./errors.ts";
export type { Fetch, FetchedStream } from "./event-source.ts";
export { type EventOf, type InputOf, iterate, type Subscribable } from "./iterate.ts";
export { idempotent, type ThroughlineOptions, throughlineLinks } from "./links.ts";
export type { RouterInputs, RouterOutputs } from "./types.ts";
export { nanoUsd, requestIdOf, usd } from "./values.ts";

/** A typed client of a gateway. */
export type Throughline = TRPCClient<AppRouter>;

/** Makes a typed client: `await throughline.chat.create.mutate({ model, messages })`. */
export function createThroughline(options: ThroughlineOptions): Throughline {
  return createTRPCClient<AppRouter>({ links: throughlineLinks(options) });
}
