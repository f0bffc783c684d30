import { JobAction } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { readNamedLines, vendorPhases } from "../db/vendor-batches.ts";
import { retryMs } from "../domain/creation-fate.ts";
import { askVendor, stepItem } from "./ask-vendor.ts";
import { adopt } from "./create-batch.ts";
import { endAll } from "./end-lines.ts";
import { type Held, isGivenUp, nameOf, noteStep } from "./held.ts";
import { readLineName } from "./line-name.ts";
import { resultLines } from "./result-lines.ts";

const findTimeoutMs = 30_000;
/** The vendor's clock may be another than ours. */
const clocksMs = 5 * 60_000;
/** A vendor that does not list it after so many looks, half a minute in all, will not. */
const mostLooks = 6;

const unknown = {
  code: "upstream_outcome_unknown",
  message: "The upstream's answer to the batch's creation was lost, so it is not known whether it runs.",
};

/**
 * Looks for a batch whose creation was not answered: it is never created a second time. Where the vendor does not list it, its lines
 * end as upstream_outcome_unknown and cost nothing.
 */
export async function findBatch(held: Held): Promise<void> {
  const { context, row, known } = held;
  const [route] = known.routes.values();
  if (route === undefined || row.sent_at === null) throw new Error("a batch was sent without a route");
  const sinceUnixS = BigInt(Math.floor((row.sent_at.getTime() - clocksMs) / 1_000));
  const { locator, lines } = row;
  const step = { action: JobAction.BATCH_FIND, name: nameOf(held), locator, sinceUnixS, lines };
  const asker = { requestId: row.batch_id, traceparent: row.traceparent, timeoutMs: findTimeoutMs };
  const { report } = await askVendor(context, stepItem(route, row.channel, step), asker);
  const found = report?.found;
  const certain = found?.find(({ isCertain }) => isCertain);
  if (certain !== undefined) return adopt(held, { vendorId: certain.batchId, locator });
  for (const { batchId, files } of found ?? []) {
    if (files.length > 0 && (await isOurs(held, files))) return adopt(held, { vendorId: batchId, locator });
  }
  // One that runs may be ours: its results will tell.
  const mayCome = found === undefined || found.some(({ files }) => files.length === 0);
  if (isGivenUp(held) || (!mayCome && row.failures + 1 >= mostLooks)) {
    context.log.error(
      { request_id: row.batch_id.toString(), channel: row.channel },
      "the creation of a vendor's batch was not answered, and it is not found; it may run all the same",
    );
    await endAll(held, unknown);
    await noteStep(held, { phase: vendorPhases.cleaning, inMs: 0 });
    return;
  }
  const failures = mayCome ? Math.min(row.failures + 1, mostLooks - 2) : row.failures + 1;
  await noteStep(held, { failures, inMs: retryMs(row.failures, context.random()) });
}

/** Whether the first result of a batch is that of a line of ours. */
async function isOurs(held: Held, files: readonly string[]): Promise<boolean> {
  const { context, row } = held;
  try {
    for await (const { name } of resultLines(held, files[0] ?? "")) {
      const line = readLineName(name);
      return line !== undefined && (await readNamedLines(context.db, row.batch_id, [line])).length > 0;
    }
  } catch (error) {
    context.log.warn({ err: error, request_id: row.batch_id.toString() }, "the results of a batch cannot be looked at");
  }
  return false;
}
