/** What the span of a call goes by; CallOptions have it. */
export interface TracedCall {
  readonly requestId?: bigint | undefined;
  readonly traceparent?: string | undefined;
}

/** Makes spans of calls; telemetry has it. What it is given to do is done exactly once, whether a span is recorded or not. */
export interface CallSpans {
  /** A call whose caller waits: `ask` makes it, with the options that name its span. `method`: "package.Service/Method". */
  asked<O extends TracedCall, T>(
    method: string,
    options: O,
    target: string,
    ask: (options: O) => Promise<T>,
  ): Promise<T>;
  /** A streaming call whose caller waits; undefined: it has no span. */
  opened(method: string, options: TracedCall, target: string): OpenedSpan | undefined;
  /** A unary call that is served. */
  served<T>(
    method: string,
    call: { readonly requestId: bigint; readonly traceparent: string },
    serve: () => Promise<T>,
  ): Promise<T>;
}

/** The span of a streaming call. */
export interface OpenedSpan {
  /** W3C context for whoever serves the call. */
  readonly traceparent: string;
  /** The call is over; `code`: why it failed, of the error catalogue. */
  end(code?: string): void;
}
