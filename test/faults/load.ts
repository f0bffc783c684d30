import { type Deployment, eventually } from "../e2e/deployment.ts";

/** What a client knows of one of its requests. */
export interface ClientView {
  /** The platform's request ID; 0n: no head came. */
  readonly id: bigint;
  /** HTTP status; 0: no head came. */
  readonly status: number;
  /** The answer came to its end without an error in it. */
  readonly whole: boolean;
  /** Code of the error that it got, in the body or in the stream; empty: none. */
  readonly errorCode: string;
  /** Output tokens that the answer names; -1n: it names none. */
  readonly outputTokens: bigint;
  /** The answer is the repeat of an earlier request's. */
  readonly replayed: boolean;
  /** The client left on purpose. */
  readonly left: boolean;
}

/** A mixed load on a deployment. */
export interface Load {
  readonly seen: readonly ClientView[];
  /** Answers that came whole so far. */
  whole(): number;
  /** Resolves when so many more answers came whole. */
  more(count: number): Promise<void>;
  /** Begins no more requests and waits for those that run. */
  stop(): Promise<void>;
}

/** Kinds of requests, in turn: most are short, as traffic is. */
const kinds = [
  { model: "gpt-4o-mini", stream: false },
  { model: "gpt-4o-mini", stream: true },
  { model: "gpt-4o", stream: false, keyed: true },
  { model: "sim-slow-chunks-10", stream: true },
  { model: "sim-slow-first-token-150", stream: false },
  { model: "gpt-4o-mini", stream: true, keyed: true },
  { model: "sim-status-500", stream: false },
  { model: "sim-slow-chunks-20", stream: true, leaves: true },
] as const;

/** Sends `perSecond` requests a second, however slowly they are answered, but never more than 200 at once. */
export function startLoad(house: Pick<Deployment, "call">, perSecond: number): Load {
  const seen: ClientView[] = [];
  const running = new Set<Promise<void>>();
  let turn = 0;
  let whole = 0;
  const timer = setInterval(() => {
    if (running.size >= 200) return;
    const one = ask(turn++).finally(() => running.delete(one));
    running.add(one);
  }, 1_000 / perSecond);

  async function ask(number: number): Promise<void> {
    const kind = kinds[number % kinds.length] ?? kinds[0];
    const key = "keyed" in kind ? { "idempotency-key": `load-${number}` } : {};
    const view = await send(kind, key, "leaves" in kind);
    note(view);
    // A client that has the whole answer of a request with a key may repeat it at once, and gets the same.
    if ("keyed" in kind && view.whole) note(await send(kind, key, false));
  }

  function note(view: ClientView): void {
    seen.push(view);
    if (view.whole) whole += 1;
  }

  async function send(
    { model, stream }: (typeof kinds)[number],
    headers: Readonly<Record<string, string>>,
    leaves: boolean,
  ): Promise<ClientView> {
    const body = {
      ...{ model, stream, messages: [{ role: "user", content: "Hello" }] },
      ...(stream ? { stream_options: { include_usage: true } } : {}),
    };
    const leave = new AbortController();
    const signal = AbortSignal.any([leave.signal, AbortSignal.timeout(30_000)]);
    let id = 0n;
    let status = 0;
    let replayed = false;
    let text = "";
    let ended = false;
    try {
      const response = await house.call("/v1/chat/completions", body, headers, signal);
      status = response.status;
      id = BigInt(response.headers.get("request-id") ?? 0);
      replayed = response.headers.has("idempotent-replayed");
      for await (const part of response.body ?? []) {
        text += Buffer.from(part).toString();
        if (leaves && text.includes('"content":"')) leave.abort();
      }
      ended = true;
    } catch {
      // A client sees its connection break.
    }
    const errorCode = /"error": ?\{[^}]*"code": ?"(\w+)"/.exec(text)?.[1] ?? "";
    const toEnd = stream ? text.endsWith("data: [DONE]\n\n") : ended && text.endsWith("}");
    return {
      ...{ id, status, replayed, errorCode, left: leave.signal.aborted },
      whole: status === 200 && toEnd && errorCode === "",
      outputTokens: BigInt(/"completion_tokens": ?(\d+)/.exec(text)?.[1] ?? -1),
    };
  }

  return {
    seen,
    whole: () => whole,
    async more(count) {
      const before = whole;
      await eventually(() => (whole >= before + count ? true : undefined), 60_000);
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
    },
  };
}
