import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ListLedgerRequest,
  ListLedgerResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { listEntries } from "../db/ledger.ts";
import { maxId } from "../domain/amounts.ts";
import { fromCursor, toCursor, toEntry } from "../wire/ledger-entry.ts";
import { checkedFilterId, pageLimit } from "./paging.ts";

/** Reads the ledger, newest first, a page at a time. */
export function listLedger({ db }: BillingContext) {
  return async (request: ListLedgerRequest): Promise<MessageInitShape<typeof ListLedgerResponseSchema>> => {
    const limit = pageLimit(request.limit);
    const accountId = checkedFilterId(request.accountId, "account_id");
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
