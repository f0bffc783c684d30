import { freePort } from "../../../shared/free-ports.ts";
import type { Target } from "../load/request.ts";
import { firstAnswer, type Spawned } from "./spawn.ts";

/** A process that was started, and where it answers. */
export interface Started {
  readonly child: Spawned;
  readonly target: Target;
}

const mostTries = 4;
/** How Node, Python and we say it. */
const taken = /EADDRINUSE|address already in use|is in use by another program/i;

/** Starts something on a free port and waits for its first answer; again, on another port, where somebody else was quicker to take it. */
export async function answering(
  start: (port: number) => Promise<Started> | Started,
): Promise<Started & { startMs: number }> {
  for (let tries = 1; ; tries += 1) {
    const started = await start(await freePort());
    try {
      return { ...started, startMs: await firstAnswer(started.target, started.child) };
    } catch (error) {
      await started.child.stop();
      if (tries === mostTries || !taken.test(started.child.output())) throw error;
    }
  }
}
