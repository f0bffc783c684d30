import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AuditRequest, AuditResponseSchema } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { auditLedger } from "../db/audit.ts";
import { openAuditDatabase } from "../db/open.ts";

/** Verifies the ledger's invariants on the live database. */
export function audit({ config, log }: BillingContext) {
  return async (_request: AuditRequest): Promise<MessageInitShape<typeof AuditResponseSchema>> => {
    const db = openAuditDatabase(config, log);
    try {
      const checks = await auditLedger(db);
      return { checks: checks.map((check) => ({ ...check, offending: [...check.offending] })) };
    } finally {
      await db.close();
    }
  };
}
