import type { RpcLog } from "./types.ts";

/** Logs what may happen thousands of times a second: the first at once, then one line a minute with how many there were. */
export interface Complaint {
  /** Something happened. The fields of the newest one are logged. */
  tell(fields: Readonly<Record<string, unknown>>): void;
}

const everyMs = 60_000;

/** @param nowMs a clock that never steps back, milliseconds. */
export function createComplaint(
  log: Pick<RpcLog, "warn"> | undefined,
  message: string,
  nowMs: () => number = () => performance.now(),
): Complaint {
  let count = 0;
  let loggedMs = Number.NEGATIVE_INFINITY;
  return {
    tell(fields) {
      count += 1;
      if (nowMs() - loggedMs < everyMs) return;
      log?.warn({ ...fields, count }, message);
      count = 0;
      loggedMs = nowMs();
    },
  };
}
