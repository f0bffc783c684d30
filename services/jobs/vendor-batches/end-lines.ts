import type { ThroughlineError } from "../../../shared/errors/error.ts";
import { type LineEnd, type LineRow, skipLines } from "../db/batch-lines.ts";
import { keptError } from "../db/kept-error.ts";
import { endVendorLines } from "../db/vendor-batches.ts";
import type { Held } from "./held.ts";

const atOnce = 1_000;

/** Ends lines that failed, settles nothing for them and records them. */
export async function endLines(
  held: Held,
  lines: readonly { readonly row: LineRow; readonly error: ThroughlineError }[],
): Promise<void> {
  await noteEnds(
    held,
    lines.map(({ row, error }) => ({
      ...{ batchId: row.batch_id, line: row.line, outcome: undefined, answer: undefined },
      error: keptError(error),
    })),
  );
}

/** Notes how lines ended, and waits until they are settled and recorded, or left to whoever tries that again. */
export async function noteEnds({ context, row, lines }: Held, ends: readonly LineEnd[]): Promise<void> {
  if (ends.length === 0) return;
  const noted = await endVendorLines(context.db, row.batch_id, lines.worker, ends);
  await Promise.all(noted.map((line) => lines.close(line)));
}

/** Ends every line that has not ended, all for one reason. They cost nothing. */
export async function endAll(
  { context, row, lines }: Held,
  reason: { readonly code: string; readonly message: string },
): Promise<void> {
  while ((await skipLines(context.db, row.batch_id, reason, atOnce)) === atOnce);
  lines.wake();
}
