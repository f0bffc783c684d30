import { setTimeout as sleep } from "node:timers/promises";
import { Agent, fetch } from "undici";

/** What became of requests of one kind. */
export interface Tally {
  whole: number;
  readonly failed: string[];
}

/** The load of a rollout: short requests at a rate, and long streams beside them. */
export interface RolloutLoad {
  readonly short: Tally;
  readonly long: Tally;
  /** Streams that run now. */
  streaming(): number;
  /** Begins no more and waits for those that run. */
  stop(): Promise<void>;
}

/** Starts it. A stream sends a token a second for `streamS` seconds; `streams` of them run at a time. */
export function startLoad(
  url: string,
  { key, perSecond, streams, streamS }: { key: string; perSecond: number; streams: number; streamS: number },
): RolloutLoad {
  const dispatcher = new Agent({ connections: 400 });
  const [short, long]: [Tally, Tally] = [
    { whole: 0, failed: [] },
    { whole: 0, failed: [] },
  ];
  const running = new Set<Promise<void>>();
  let streaming = 0;
  let stopped = false;

  async function ask(model: string, stream: boolean, maxTokens: number, tally: Tally): Promise<void> {
    let seen = "";
    try {
      const response = await fetch(`${url}/v1/chat/completions`, {
        ...{ method: "POST", dispatcher },
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ model, stream, max_tokens: maxTokens, messages: [{ role: "user", content: "Hello" }] }),
      });
      seen = `${response.status} ${response.headers.get("x-oneapi-request-id")} `;
      const text = await response.text();
      const isWhole = response.ok && (stream ? text.endsWith("data: [DONE]\n\n") : text.includes('"choices"'));
      if (isWhole) tally.whole += 1;
      else tally.failed.push(seen + text.slice(-300));
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
      tally.failed.push(`${seen}${error} ${cause}`);
    }
  }

  const track = (one: Promise<void>): void => {
    const tracked = one.finally(() => running.delete(tracked));
    running.add(tracked);
  };
  let turn = 0;
  const begin = () => track(ask("gpt-4o-mini", turn++ % 3 === 0, 20, short));
  const timer = perSecond === 0 ? undefined : setInterval(begin, 1_000 / perSecond);
  for (let i = 0; i < streams; i++) {
    track(
      (async () => {
        // Their ends are spread over their length.
        await sleep((i / streams) * Math.min(streamS, 20) * 1_000);
        while (!stopped) {
          streaming += 1;
          await ask(`sim-tokens-${streamS}+slow-chunks-1000`, true, streamS, long);
          streaming -= 1;
        }
      })(),
    );
  }
  return {
    short,
    long,
    streaming: () => streaming,
    async stop() {
      stopped = true;
      clearInterval(timer);
      await Promise.all(running);
      await dispatcher.close();
    },
  };
}
