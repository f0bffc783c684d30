import { setTimeout as sleep } from "node:timers/promises";
import type { ClientView } from "../faults/load.ts";

/** A video begins every second, and is followed to its end. */
export interface Videos {
  /** Whether the next ones should be taken or refused. */
  phase(now: "taken" | "refused"): void;
  /** What clients know of them. */
  views(): readonly ClientView[];
  /** What went otherwise than it should, in words. */
  wrong(): readonly string[];
  told(): string;
  /** Begins no more and waits for the ends. */
  stop(): Promise<void>;
}

type Call = (path: string, body: unknown) => Promise<Response>;

/** Longest time from the beginning of a video to its end: what is away meanwhile is back before. */
const patienceMs = 90_000;

/** Starts them. */
export function startVideos(call: Call): Videos {
  let phase: "taken" | "refused" = "taken";
  const views: ClientView[] = [];
  const wrong: string[] = [];
  const running = new Set<Promise<void>>();
  const counted = { completed: 0, refused: 0 };

  async function one(): Promise<void> {
    const before = phase;
    const response = await call("/v1/videos", { model: "video/sim-plain", prompt: "A hat" });
    const body = (await response.json()) as { id?: string; error?: { code: string } };
    const id = BigInt(response.headers.get("request-id") ?? 0);
    const view = { id, status: response.status, outputTokens: -1n, replayed: false, left: false };
    if (!response.ok || body.id === undefined) {
      counted.refused += 1;
      views.push({ ...view, whole: false, errorCode: body.error?.code ?? "" });
      if (before === "taken" && phase === "taken") wrong.push(`a video was refused: ${JSON.stringify(body)}`);
      return;
    }
    const untilMs = performance.now() + patienceMs;
    for (;;) {
      const asked = await call(`/v1/videos/${body.id}`, undefined).catch(() => undefined);
      const { status } = asked?.ok ? ((await asked.json()) as { status: string }) : { status: "away" };
      if (status === "completed") break;
      if (status === "failed" || performance.now() > untilMs) {
        wrong.push(`video ${body.id} is ${status}`);
        return;
      }
      await sleep(500);
    }
    counted.completed += 1;
    views.push({ ...view, whole: true, errorCode: "" });
  }

  const timer = setInterval(() => {
    const begun = one()
      .catch((error: unknown) => void wrong.push(`a video: ${error}`))
      .finally(() => running.delete(begun));
    running.add(begun);
  }, 1_000);
  return {
    phase(now) {
      phase = now;
    },
    views: () => views,
    wrong: () => wrong,
    told: () => `${counted.completed} completed, ${counted.refused} refused`,
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
    },
  };
}
