import { JobAction } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { giveVendorBatchBack } from "../db/vendor-batches.ts";
import { askVendor, stepItem } from "./ask-vendor.ts";
import type { Held } from "./held.ts";

const discardTimeoutMs = 8_000;

/** Has our own workers run the lines of a batch that no vendor runs, at the price that these have. */
export async function toOwnWorkers(held: Held, why: string): Promise<void> {
  const { context, row, worker, lines } = held;
  context.log.info(
    { request_id: row.batch_id.toString(), channel: row.channel },
    `a batch is run line by line: ${why}`,
  );
  await context.objects.remove({ id: row.batch_id, accountId: row.account_id });
  if (row.file_id !== "") await discard(held, row.file_id);
  await giveVendorBatchBack(context.db, row.batch_id, worker);
  lines.wake();
}

/** Has the vendor delete a file, or a batch. True: there is nothing more to be done about it. */
export async function discard({ context, row, known }: Held, file: string): Promise<boolean> {
  const [route] = known.routes.values();
  if (route === undefined) return true;
  const { locator, vendor_id: vendorJobId } = row;
  const { error, refusal, isLost } = await askVendor(
    context,
    stepItem(route, row.channel, { action: JobAction.BATCH_DISCARD, file, locator, vendorJobId }),
    { requestId: row.batch_id, traceparent: row.traceparent, timeoutMs: discardTimeoutMs },
  );
  return error === undefined || isLost || (refusal.status >= 400 && refusal.status < 500 && refusal.status !== 429);
}
