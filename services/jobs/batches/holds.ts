import { ThroughlineError } from "../../../shared/errors/error.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { JobsContext } from "../context.ts";
import type { Line } from "./line-request.ts";

const callTimeoutMs = 8_000;

/** What keeps a line from being run, by its number. */
export type Unheld = ReadonlyMap<number, ThroughlineError>;

/**
 * Gives lines of one batch their parts of its reservation, in one statement. Where the batch holds nothing any more, for jobs
 * was away for longer than a reservation lives, a line reserves by itself. Throws what kept the call from being made.
 */
export async function holdLines(
  { billing }: Pick<JobsContext, "billing">,
  batch: { readonly batchId: bigint; readonly accountId: bigint },
  lines: readonly Line[],
): Promise<Unheld> {
  const parts = lines.map(({ row, said, item }) => {
    const pricing = item?.candidates[said.dearest]?.pricing;
    return {
      requestId: row.request_id,
      amountNanoUsd: said.amountNanoUsd,
      module: item?.module ?? Module.UNSPECIFIED,
      model: item?.facts?.model ?? "",
      dialect: item?.dialect ?? "",
      ...(pricing === undefined ? {} : { pricing }),
    };
  });
  const { unheldRequestIds } = await billing.splitReservation(
    { accountId: batch.accountId, fromRequestId: batch.batchId, parts },
    { requestId: batch.batchId, traceparent: "", timeoutMs: callTimeoutMs },
  );
  const unheld = new Set(unheldRequestIds);
  const refused = new Map<number, ThroughlineError>();
  await Promise.all(
    lines
      .filter(({ row }) => unheld.has(row.request_id))
      .map(async (line) => {
        const error = await reserveAlone(billing, line);
        if (error !== undefined) refused.set(line.row.line, error);
      }),
  );
  return refused;
}

async function reserveAlone(
  billing: JobsContext["billing"],
  { row, said, item }: Line,
): Promise<ThroughlineError | undefined> {
  const facts = item?.facts;
  const pricing = item?.candidates[said.dearest]?.pricing;
  if (item === undefined || facts === undefined || pricing === undefined) return undefined;
  const { accountId, keyId, userId, model } = facts;
  const { module, dialect } = item;
  const amountNanoUsd = said.amountNanoUsd;
  try {
    await billing.reserve.call(
      { accountId, keyId, userId, module, model, dialect, pricing, worstCase: {}, amountNanoUsd },
      { requestId: row.request_id, traceparent: "", timeoutMs: callTimeoutMs },
    );
    return undefined;
  } catch (thrown) {
    const error = ThroughlineError.from(thrown);
    // It has ended for billing: it was settled, and its worker died before it could note that.
    return error.code === "idempotency_conflict" ? undefined : error;
  }
}
