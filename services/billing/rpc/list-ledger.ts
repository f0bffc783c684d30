import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  LedgerEntry,
  ListLedgerRequest,
  ListLedgerResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { entriesOfIds, listEntries } from "../db/ledger.ts";
import { maxId } from "../domain/amounts.ts";
import { invalid } from "../wire/invalid.ts";
import { fromCursor, toCursor, toEntry } from "../wire/ledger-entry.ts";
import { checkedFilterId, pageLimit } from "./paging.ts";

/** Reads the ledger, newest first, a page at a time. */
export function listLedger({ db }: BillingContext) {
  return async (request: ListLedgerRequest): Promise<MessageInitShape<typeof ListLedgerResponseSchema>> => {
    const limit = pageLimit(request.limit);
    const accountId = checkedFilterId(request.accountId, "account_id");
    if (request.entryIds.length > 0) return { entries: await ofIds(db, accountId, request.entryIds) };
    if (request.entryId > maxId) return { entries: [] };
    const order = accountId === 0n ? "all" : "account";
    const before = fromCursor(request.cursor, order);
    const rows = await listEntries(db, { accountId, entryId: request.entryId, before, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const nextCursor = rows.length > limit && last !== undefined ? toCursor(last, order) : "";
    return { entries: page.map(toEntry), nextCursor };
  };
}

const mostIds = 1_000;

async function ofIds(db: BillingContext["db"], accountId: bigint, ids: readonly bigint[]): Promise<LedgerEntry[]> {
  if (ids.length > mostIds) throw invalid("entry_ids", `must be at most ${mostIds}`);
  const rows = await entriesOfIds(
    db,
    accountId,
    ids.filter((id) => id <= maxId),
  );
  return rows.map(toEntry);
}
