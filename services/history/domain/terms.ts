import type { StoredPrices } from "./prices.ts";

/**
 * What many records share, as one value that is stored once. A platform has as many shapes as it has combinations of
 * model, channel, strategy, price and dialect in use (hundreds, not millions), and a few dozen outcomes: 8 bytes a record
 * stand for what would be ten columns.
 */
export interface Shape {
  readonly model: string;
  readonly platform: string;
  readonly channel: string;
  readonly strategy: string;
  readonly dialect: string;
  readonly module: number;
  readonly policy: number;
  readonly store: number;
  /** Empty: none. */
  readonly prices: StoredPrices | "";
}

/** How a request ended. */
export interface Outcome {
  readonly error: string;
  /** Why it was charged as it was. */
  readonly reason: string;
  readonly http: number;
}

/** A shape without anything, for records whose term cannot be found. */
export const emptyShape: Shape = {
  model: "",
  platform: "",
  channel: "",
  strategy: "",
  dialect: "",
  module: 0,
  policy: 0,
  store: 0,
  prices: "",
};

/** Likewise. */
export const emptyOutcome: Outcome = { error: "", reason: "", http: 0 };
