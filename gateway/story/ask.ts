import type { ThroughlineError } from "../../shared/errors/error.ts";
import type { InputEstimate } from "../../shared/estimate/input.ts";
import type { Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Module, StoreResponse } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Head } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { Incoming } from "./incoming.ts";

/** What an endpoint asks of the story: one checked request. */
export interface Ask {
  readonly incoming: Incoming;
  readonly principal: Principal;
  /** Client's dialect, e.g. "openai.chat". */
  readonly dialect: string;
  readonly module: Module;
  /** Model name as the client wrote it. */
  readonly model: string;
  readonly stream: boolean;
  /** The client asked for the usage chunk. */
  readonly includeUsage: boolean;
  /** The body as it came; it travels on as these bytes. Let go of, hence empty, once the request is answered. */
  body: Uint8Array;
  readonly estimate: InputEstimate;
  readonly tools: boolean;
  readonly structuredOutput: boolean;
  /** Most output tokens of one answer that the client asked for; 0: not said. */
  readonly maxOutputTokens: number;
  /** The field that said so. */
  readonly maxOutputField: string;
  /** Answers asked for. */
  readonly choices: number;
  /** Headers that belong to the dialect, lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Client's key for prompt-cache affinity; empty: none. */
  readonly affinity: string;
  /** Empty: none. */
  readonly idempotencyKey: string;
  readonly storeResponse: StoreResponse;
}

/** Where an answer goes: the endpoint's side of the story. */
export interface Answer {
  /** The first frame is there: sends the response head. */
  begin(head: Head, headers: Readonly<Record<string, string>>): void;
  /** Gives the client bytes; the promise resolves when it can take more. */
  write(data: Uint8Array): Promise<void> | undefined;
  /** Waits for the client no longer: a `write` that waits resolves, and none waits from now on. */
  letGo(): void;
  /** All was given. */
  end(): void;
  /** Ends a begun answer with an in-band error. */
  fail(error: ThroughlineError): void;
  /** Calls back once when the client leaves before the end. */
  onGone(listener: () => void): void;
  /** The client left before the end. */
  isGone(): boolean;
  /** The response head was sent. */
  hasBegun(): boolean;
}
