import type { ServerResponse } from "node:http";

/** Whether the client is still there. */
export interface ClientWatch {
  readonly gone: boolean;
  onGone(listener: () => void): void;
}

/** Notices when the client leaves before the answer has ended. */
export function watchClient(response: ServerResponse): ClientWatch {
  const listeners: (() => void)[] = [];
  const watch = {
    gone: response.destroyed && !response.writableFinished,
    onGone(listener: () => void) {
      if (watch.gone) listener();
      else listeners.push(listener);
    },
  };
  // It comes once.
  response.on("close", () => {
    if (response.writableFinished) return;
    watch.gone = true;
    for (const listener of listeners) listener();
  });
  return watch;
}
