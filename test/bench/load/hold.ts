import { openAll } from "./loads.ts";
import type { Target } from "./request.ts";

/** Streams that are held open. */
export interface OpenStreams {
  readonly open: number;
  pauseAll(): void;
  closeAll(): void;
}

/** Opens streams and leaves them running; resolves when all have been sent. `paused`: their client never reads. */
export async function holdStreams(
  target: Target,
  count: number,
  request: Buffer,
  options: { readonly paused?: boolean } = {},
): Promise<OpenStreams> {
  const connections = await openAll(target, count);
  let open = 0;
  for (const [index, connection] of connections.entries()) {
    if (options.paused === true) connection.pause();
    open += 1;
    connection.send(request, () => {
      open -= 1;
    });
    // Spread: streams of real clients do not begin in one millisecond.
    if (index % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    get open() {
      return open;
    },
    pauseAll() {
      for (const connection of connections) connection.pause();
    },
    closeAll() {
      for (const connection of connections) connection.close();
    },
  };
}
