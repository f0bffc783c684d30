import type { Dispatcher } from "undici";
import type { BodySource } from "../domain/exchange.ts";
import type { UpstreamFault } from "./faults.ts";

/** One request to an upstream. */
export interface UpstreamRequest {
  /** Scheme, host and port, e.g. "https://api.example.com". */
  readonly origin: string;
  /** Path with its query, beginning with a slash. */
  readonly path: string;
  readonly method: Dispatcher.HttpMethod;
  /**
   * Without content-length, which follows from the body (of a source from its length). No accept-encoding is added; an answer
   * that comes packed all the same is unpacked.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** Absent: no body. Held until it is written; must not change. A source is read as the socket takes it. */
  readonly body?: Uint8Array | BodySource;
  /** True: what was written is not written again, whatever became of the connection. */
  readonly once?: boolean;
  /** Aborts like `abort()`. Costs a listener a call: on the hot path call `abort()` instead. */
  readonly signal?: AbortSignal;
  /** Bound instead of the client's `connectTimeoutMs`; 0: none. */
  readonly connectTimeoutMs?: number;
  /** Bound instead of the client's `headersTimeoutMs`; 0: none. */
  readonly headersTimeoutMs?: number;
  /** Bound instead of the client's `chunkTimeoutMs`; 0: none. */
  readonly chunkTimeoutMs?: number;
  /** Bound instead of the client's `bodyTimeoutMs`; 0: none. */
  readonly bodyTimeoutMs?: number;
  /** Largest body taken, in bytes; beyond it the call fails with `too_large`. Absent: no bound (streams). */
  readonly maxBodyBytes?: number;
}

/** Headers of a response: lower-case names; a name that came twice has a list. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Who hears the answer. A throw from `onHead` or `onData` ends the call with the fault `internal`. */
export interface UpstreamSink {
  /** "stream": the body may take as long as it likes, while it brings something. "whole": it has a time in which to end. */
  onHead(status: number, headers: ResponseHeaders): "whole" | "stream";
  /**
   * A piece of the body, as it came. It may be kept; it is not written to again. False: it brought nothing (a comment that
   * keeps a stream alive), so the silence goes on.
   */
  onData(chunk: Buffer): boolean;
  /** The body is complete. Must not throw. */
  onEnd(): void;
  /** The call failed. Must not throw. */
  onError(fault: UpstreamFault): void;
}

/** A call under way. All of its methods do nothing once it has ended. */
export interface UpstreamCall {
  /** True: a connection that had been used before broke ahead of any byte of the answer, so the request went to a new one. */
  readonly resent: boolean;
  /** Stops reading the socket, so the upstream feels the slow reader. What was read already still arrives (128 KiB at most as a rule). */
  pause(): void;
  resume(): void;
  /** Reads on for the end of the body alone, so that the socket serves another call; closes it where that does not come soon. */
  drain(): void;
  /** Closes the socket at once; the sink hears `onError` with `aborted` before this returns. */
  abort(): void;
}
