/** A node number and who may issue IDs with it, in [validFromMs, validUntilMs). Unix milliseconds. */
export interface NodeWindow {
  readonly node: number;
  /** Empty: nobody, the number was given back or never taken. */
  readonly holder: string;
  readonly validFromMs: number;
  readonly validUntilMs: number;
}

/** Numbers of nodes: 10 bits of a request ID. */
export const nodeCount = 1_024;

/**
 * The window of a new holder. It begins where the last one ended, however far any clock is off: that alone keeps two
 * holders' IDs apart. So a number whose window has ended is preferred: its new holder need not run ahead of its clock.
 */
export function nextWindow(last: NodeWindow, holder: string, nowMs: number, leaseMs: number): NodeWindow {
  const validFromMs = Math.max(last.validUntilMs, nowMs);
  return { node: last.node, holder, validFromMs, validUntilMs: validFromMs + leaseMs };
}

/** The window after a renewal by its holder: its end moves on, never back. Undefined: it is no longer the holder's. */
export function renewedWindow(
  window: NodeWindow,
  holder: string,
  nowMs: number,
  leaseMs: number,
): NodeWindow | undefined {
  if (holder === "" || window.holder !== holder) return undefined;
  return { ...window, validUntilMs: Math.max(window.validUntilMs, nowMs + leaseMs) };
}

/** The window after it was given back: nobody's, its end where it was (the holder does not say how far it used it). */
export function releasedWindow(window: NodeWindow, holder: string): NodeWindow {
  return window.holder === holder ? { ...window, holder: "" } : window;
}
