import { createEventReader } from "./sse.ts";

/** What a fetch must be able to do here; the global one can. */
export type Fetch = (
  url: string,
  init?: { method: string; headers: Record<string, string>; body?: string; signal: AbortSignal },
) => Promise<FetchedStream>;

/** What is read of a response. */
export interface FetchedStream {
  readonly ok: boolean;
  readonly status: number;
  readonly body: {
    getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> };
  } | null;
  text(): Promise<string>;
}

/** How an event source asks. */
export interface EventSourceOptions {
  readonly withCredentials?: boolean;
  /** Headers, asked for anew at each connection. */
  headers(): Promise<Record<string, string>>;
  readonly fetch: Fetch;
  /** True: a connection that broke is opened again, from the last event on. False: it is an error. */
  readonly reconnects: boolean;
}

/** An event of the stream, or of its connection. */
export interface StreamEventLike {
  readonly type: string;
  readonly data?: string;
  readonly lastEventId?: string;
  readonly message?: string;
}

type Listener = (event: StreamEventLike) => void;

const connecting = 0;
const open = 1;
const closed = 2;
const reconnectAfterMs = 1_000;

/**
 * An EventSource on fetch: the browsers' own sends no headers, and Node has none. The input travels in the body of a POST, so that
 * it may be longer than an address and does not stand in logs.
 */
export class FetchEventSource {
  readonly CONNECTING = connecting;
  readonly OPEN = open;
  readonly CLOSED = closed;
  readyState: number = connecting;
  readonly #url: string;
  readonly #options: EventSourceOptions;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #abort = new AbortController();
  #lastEventId = "";

  constructor(url: string, options?: EventSourceOptions) {
    if (options === undefined) throw new TypeError("FetchEventSource needs its options");
    this.#url = url;
    this.#options = options;
    void this.#run();
  }

  addEventListener(type: string, listener: Listener): void {
    const listeners = this.#listeners.get(type) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(type, listeners);
  }

  removeEventListener(type: string, listener: Listener): void {
    this.#listeners.get(type)?.delete(listener);
  }

  close(): void {
    this.readyState = closed;
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    while (this.readyState !== closed) {
      const broke = await this.#connect().catch(messageOf);
      if (this.readyState === closed) return;
      this.readyState = this.#options.reconnects ? connecting : closed;
      this.#tell({ type: "error", message: broke });
      if (this.#options.reconnects) await new Promise((resolve) => setTimeout(resolve, reconnectAfterMs));
    }
  }

  /** Reads one connection to its end; gives why that is no end of the stream. */
  async #connect(): Promise<string> {
    const { fetch } = this.#options;
    const headers = await this.#options.headers();
    if (this.#lastEventId !== "") headers["last-event-id"] = this.#lastEventId;
    const { url, body } = withoutInput(this.#url);
    const init = { method: "POST", headers: { ...headers, "content-type": "application/json" }, body };
    const response = await fetch(url, { ...init, signal: this.#abort.signal });
    if (!response.ok || response.body === null) return this.#refused(response);
    this.readyState = open;
    const decoder = new TextDecoder();
    const events = createEventReader(({ event, data, lastEventId }) => {
      if (this.readyState !== closed) this.#tell({ type: event, data, lastEventId });
    });
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "The connection ended before the stream did.";
      events.feed(decoder.decode(value, { stream: true }));
      this.#lastEventId = events.lastEventId();
    }
  }

  /** Tells a refusal as the stream would have told it. */
  async #refused(response: FetchedStream): Promise<string> {
    const told = errorIn(await response.text());
    if (told !== undefined) this.#tell({ type: "serialized-error", data: JSON.stringify(told) });
    return `The server answered with status ${response.status}.`;
  }

  #tell(event: StreamEventLike): void {
    for (const listener of this.#listeners.get(event.type) ?? []) listener(event);
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** tRPC puts the input of a subscription into its address. */
function withoutInput(address: string): { url: string; body: string } {
  const [path = "", query = ""] = address.split("?", 2);
  const params = new URLSearchParams(query);
  const body = params.get("input") ?? "{}";
  params.delete("input");
  const rest = params.toString();
  return { url: rest === "" ? path : `${path}?${rest}`, body };
}

function errorIn(text: string): object | undefined {
  try {
    const told: unknown = JSON.parse(text);
    const error: unknown = typeof told === "object" && told !== null ? Reflect.get(told, "error") : undefined;
    return typeof error === "object" && error !== null ? error : undefined;
  } catch {
    return undefined;
  }
}
