import type { Acknowledgement } from "./types.ts";

/** Where an acknowledgement goes. */
export interface OwedLane {
  /** Tells the server that the call is acknowledged, with the items that go next. */
  acknowledge(callId: number): void;
}

/**
 * What the caller of one call owes. An object of its own, for it is kept until settlement and record are durable: the call
 * and its stream lead to the whole request, which would live as long.
 */
export class OwedAcknowledgement implements Acknowledgement {
  #lane: OwedLane | undefined = undefined;
  #callId = 0;

  /** The call was sent on a lane under this number. */
  sent(lane: OwedLane, callId: number): void {
    this.#lane = lane;
    this.#callId = callId;
  }

  give(): void {
    this.#lane?.acknowledge(this.#callId);
    this.#lane = undefined;
  }
}
