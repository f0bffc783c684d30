import { type ErrorCode, isErrorCode } from "../../../shared/errors/catalogue.ts";
import { ledgerKinds } from "./settlement.ts";

/** What an entry of the ledger says of how its request ended. */
export interface EndedEntry {
  readonly kind: number;
  readonly reason: string;
  /** Catalogue code that the gateway settled with, if it did. */
  readonly error_code: string | null;
}

/** How a request ended, as its record shall say. */
export interface Ending {
  readonly succeeded: boolean;
  /** Undefined where it succeeded. */
  readonly errorCode: ErrorCode | undefined;
}

/**
 * The entry that tells how a request ended, where the gateway's own record never came: its charge, else its release. (A
 * request that was charged late has both.)
 */
export function decisiveEntry<E extends EndedEntry>(entries: readonly E[]): E | undefined {
  return entries.find((entry) => entry.kind === ledgerKinds.charge) ?? entries[0];
}

/** How a request ended by the words of its decisive entry. */
export function endingOf({ kind, reason, error_code }: EndedEntry): Ending {
  if (error_code !== null && isErrorCode(error_code)) return { succeeded: false, errorCode: error_code };
  if (kind === ledgerKinds.charge) return { succeeded: true, errorCode: undefined };
  if (reason === "expired") return { succeeded: false, errorCode: "interrupted" };
  return { succeeded: false, errorCode: reason === "disconnect_refunded" ? "client_closed_request" : "internal_error" };
}
