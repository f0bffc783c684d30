import type { Frame, Head, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { LaneStream } from "../../shared/rpc/index.ts";
import type { Answer, Ask } from "./ask.ts";
import type { Ending } from "./ending.ts";
import { maxStoredBytes } from "./idempotency.ts";
import { elapsedUs, type Incoming } from "./incoming.ts";

/** The frames of an invocation on their way to the client. */
export interface Passage {
  /**
   * Gives the client the next frame. The promise resolves when it can take more; undefined: it can at once. After the client has
   * left, frames are only kept.
   */
  take(frame: Frame): Promise<void> | undefined;
  /** Whether a frame was given. */
  hasGiven(): boolean;
  /** What the ending tells of them. */
  told(): Pick<Ending, "frames" | "firstByteUs" | "kept" | "keptBytes" | "contentType" | "heldBack">;
}

/** How an answer passes. */
export interface Passing {
  /** Headers that the reservation gives to the answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** True: the last frame waits for the settlement. */
  readonly holdsBack: boolean;
}

/** Passes the frames of `stream` on to `answer`, and keeps those that the record or a repeat will need. */
export function createPassage(
  ask: Ask,
  answer: Answer,
  stream: LaneStream<Frame, Outcome>,
  { headers, holdsBack }: Passing,
): Passage {
  const { incoming } = ask;
  /** The record needs all of its answer; a repeat needs no more than is stored for it. */
  const keepsRecord = ask.demand.answer === "json" && ask.keepsAnswer;
  const keeps = keepsRecord || ask.idempotencyKey !== "";
  const kept: Uint8Array[] = [];
  let keptBytes = 0;
  let frames = 0;
  let firstByteUs = 0n;
  let contentType = "application/json";
  let heldBack: Uint8Array | undefined;
  let slow = false;

  function begin(head: Head): void {
    contentType = head.contentType;
    firstByteUs = elapsedUs(incoming);
    noteHead(incoming, head, firstByteUs);
    answer.begin(head, headers);
  }

  function keep(data: Uint8Array): void {
    keptBytes += data.length;
    if (!keepsRecord && keptBytes > maxStoredBytes) kept.length = 0;
    else kept.push(data);
  }

  /** A client that reads nothing must not outlast the deadline, which ends the outcome. */
  function boundWait(): void {
    if (slow) return;
    slow = true;
    const letGo = (): void => answer.letGo();
    stream.outcome.then(letGo, letGo);
  }

  return {
    take({ head, data }) {
      if (head !== undefined && !answer.isGone()) begin(head);
      if (keeps) keep(data);
      if (answer.isGone()) return undefined;
      frames += 1;
      if (holdsBack && stream.isLast()) {
        heldBack = data;
        return undefined;
      }
      const ready = answer.write(data, !holdsBack && stream.hasMore());
      if (ready !== undefined) boundWait();
      return ready;
    },
    hasGiven() {
      return frames > 0;
    },
    told() {
      return { frames, firstByteUs, kept, keptBytes, contentType, heldBack };
    },
  };
}

function noteHead({ served }: Incoming, head: Head, firstByteUs: bigint): void {
  if (served === undefined) return;
  served.channel = head.channel;
  served.upstreamRequestId = head.upstreamRequestId;
  served.firstByteMs = Number(firstByteUs) / 1_000;
}
