import { vendorPhases } from "../db/vendor-batches.ts";
import { retryMs } from "../domain/creation-fate.ts";
import { discard } from "./give-back.ts";
import { type Held, noteStep } from "./held.ts";

const mostTries = 5;

/** Has the vendor delete what is of no use any more: clients' texts need not lie there. A vendor that does not is left alone. */
export async function cleanUp(held: Held): Promise<void> {
  const { context, row } = held;
  await context.objects.remove({ id: row.batch_id, accountId: row.account_id });
  const wanted = [row.file_id, ...row.files].filter((file) => file !== "");
  const done = await Promise.all(wanted.map((file) => discard(held, file)));
  const isDone = done.every((one) => one) || row.failures + 1 >= mostTries;
  const inMs = retryMs(row.failures + 3, context.random());
  await noteStep(held, isDone ? { phase: vendorPhases.done, inMs: 0 } : { failures: row.failures + 1, inMs });
}
