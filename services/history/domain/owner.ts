/** Whose records a call may see. */
export type Scope =
  /** Everybody's. */
  | { readonly kind: "operator" }
  /** An account's. */
  | { readonly kind: "account"; readonly accountId: bigint }
  /** One key's; the key belongs to the account. */
  | { readonly kind: "key"; readonly accountId: bigint; readonly keyId: bigint }
  /** One end user's of the account; with a key, only those that came through it. */
  | { readonly kind: "user"; readonly accountId: bigint; readonly userId: string; readonly keyId: bigint };

/** What says whose a record is. */
export interface Owned {
  readonly accountId: bigint;
  readonly keyId: bigint;
  readonly userId: string;
}

/** Whether a record is in the scope. */
export function owns(scope: Scope, record: Owned): boolean {
  if (scope.kind === "operator") return true;
  if (record.accountId !== scope.accountId) return false;
  if (scope.kind === "key") return record.keyId === scope.keyId;
  if (scope.kind === "user") {
    return record.userId === scope.userId && (scope.keyId === 0n || scope.keyId === record.keyId);
  }
  return true;
}

/** The scope as the columns of a tombstone: 0 and "" stand for any. */
export function toOwned(scope: Scope): Owned {
  return {
    accountId: scope.kind === "operator" ? 0n : scope.accountId,
    keyId: scope.kind === "key" || scope.kind === "user" ? scope.keyId : 0n,
    userId: scope.kind === "user" ? scope.userId : "",
  };
}
