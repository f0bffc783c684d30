import { finalRecord, settleItem } from "../../../shared/closing/index.ts";
import type { BillingService } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { HistoryService } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Log } from "../../../shared/log.ts";
import { persistently } from "../../../shared/persistently.ts";
import type { ServiceClient } from "../../../shared/rpc/index.ts";
import { endingOf, type Unacknowledged } from "./close.ts";

/** Settles and records the requests of gateways that were lost before they had. */
export interface LostGateways {
  /**
   * The lane of a request's gateway ended without its acknowledgement. The gateway may be alive all the same, so it has a
   * moment's start; whoever settles first decides, and the gateway's record stays.
   */
  close(lost: Unacknowledged): void;
  /** Waits until all are settled and recorded, or for `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** What it works with. */
export interface LostGatewayDeps {
  readonly billing: Pick<ServiceClient<typeof BillingService>, "settle">;
  readonly history: Pick<ServiceClient<typeof HistoryService>, "record">;
  readonly log: Log;
}

const callTimeoutMs = 15_000;
const note = "The gateway was lost before it said what the client got; the provider settled what it had passed on.";

/** Creates it. `headStartMs`: how long a gateway that is alive has to settle by itself. */
export function createLostGateways(deps: LostGatewayDeps, headStartMs: number): LostGateways {
  const { billing, history, log } = deps;
  let pending = 0;
  let stopping: (() => void) | undefined;
  let finished: (() => void) | undefined;
  const stopped = new Promise<void>((resolve) => {
    stopping = resolve;
  });

  /** Those that were lost together wait together. */
  let headStart: Promise<void> | undefined;
  function waitHeadStart(): Promise<void> {
    headStart ??= new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, headStartMs);
      void stopped.then(() => {
        clearTimeout(timer);
        resolve();
      });
    }).then(() => {
      headStart = undefined;
    });
    return headStart;
  }

  async function settleAndRecord(lost: Unacknowledged): Promise<void> {
    const { request, traceparent, durationUs, response, responseTruncated } = lost;
    const { requestId } = request;
    const options = { requestId, traceparent, timeoutMs: callTimeoutMs };
    await waitHeadStart();
    const ending = endingOf(lost);
    const item = settleItem(request, ending);
    const settlement = await persistently(() => billing.settle.call(item, options));
    const said = { durationUs, firstByteUs: 0n, timeline: [], response, responseTruncated, notes: [note] };
    const record = finalRecord(request, ending, said, settlement);
    // It gives way to the gateway's own.
    record.reconstructed = true;
    await persistently(() => history.record.call({ record }, options));
    // Often its gateway had, and only its word of it was lost.
    if (settlement.repeatedCall) return;
    const fields = { request_id: requestId.toString(), reason: settlement.reason };
    log.warn(fields, "settled and recorded a request whose gateway was lost");
  }

  return {
    close(lost) {
      pending += 1;
      settleAndRecord(lost)
        .catch((error: unknown) =>
          log.error(
            { err: error, request_id: lost.request.requestId.toString() },
            "a request whose gateway was lost could not be settled or recorded",
          ),
        )
        .finally(() => {
          pending -= 1;
          if (pending === 0) finished?.();
        });
    },
    async stop(graceMs) {
      stopping?.();
      if (pending === 0) return;
      const timer = setTimeout(() => finished?.(), graceMs);
      await new Promise<void>((resolve) => {
        finished = resolve;
      });
      clearTimeout(timer);
    },
  };
}
