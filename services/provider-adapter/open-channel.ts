import type { OpenedAdapter } from "./adapters/adapter.ts";

/** A channel, ready to be called. */
export interface OpenChannel {
  readonly name: string;
  readonly platform: string;
  readonly adapter: OpenedAdapter;
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path of the base URL, without a slash at its end. */
  readonly basePath: string;
  readonly host: string;
  readonly port: number;
  /** Extra headers of the channel. */
  readonly headers: Readonly<Record<string, string>>;
  /** Header that carries our request ID; empty: none. */
  readonly requestIdHeader: string;
  /** Its own bounds, milliseconds. 0: the provider's. */
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly chunkTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly firstTokenTimeoutMs: number;
  /** All of its credentials; empty: it needs none. Attempts take theirs from the channel's health. */
  readonly credentials: readonly string[];
  /** The next credential in turn; empty: the channel needs none. */
  nextCredential(): string;
  /** What of its configuration tells it from a channel that leads elsewhere. */
  readonly adapterName: string;
  readonly baseUrl: string;
  readonly flavourJson: string;
  /** What is noted with a job that one of its credentials begins (channel-note.ts). */
  noteFor(credential: string): string;
}
