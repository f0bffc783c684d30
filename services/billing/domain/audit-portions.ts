/** Hours from 1970-01-01, UTC: [from, to). Undefined: no bound. */
export interface Hours {
  readonly fromHour: number | undefined;
  readonly toHour: number | undefined;
}

/** A part of the ledger and of what is summed of it: whole spans of one account, or all of several accounts. */
export interface Portion extends Hours {
  /** Accounts: [from, to). Undefined: no bound. */
  readonly fromAccount: bigint | undefined;
  readonly toAccount: bigint | undefined;
  /** Columns of the ledger in which these accounts were seen to have anything. */
  readonly occurring: ReadonlySet<string>;
}

/** How many entries a stretch of an account's ledger has, by the hour at which it begins. */
export interface Stretch {
  readonly accountId: bigint;
  readonly fromHour: number;
  readonly entries: number;
}

/** How many entries an account has, and what they say. */
export interface AccountSize {
  readonly accountId: bigint;
  readonly entries: number;
  readonly occurring: readonly string[];
}

const everyHour: Hours = { fromHour: undefined, toHour: undefined };

/**
 * Divides everything into portions of about `size` entries, which together have each account and each hour once, whether or not it was
 * named here: neighbouring accounts as long as they are small, and those that are larger by themselves, from stretch to stretch.
 *
 * @param accounts in the order of their IDs.
 * @param stretches of the accounts with more than `size` entries, in the order of accounts and hours. What is missing or wrong
 *   here makes portions smaller or larger, and nothing else.
 */
export function portionsOf(
  accounts: readonly AccountSize[],
  stretches: readonly Stretch[],
  size: number,
): readonly Portion[] {
  const byAccount = Map.groupBy(stretches, ({ accountId }) => accountId);
  const portions: Portion[] = [];
  let fromAccount: bigint | undefined;
  let together: AccountSize[] = [];
  const end = (toAccount: bigint | undefined) => {
    const occurring = new Set(together.flatMap((account) => account.occurring));
    portions.push({ fromAccount, toAccount, ...everyHour, occurring });
    fromAccount = toAccount;
    together = [];
  };
  let entries = 0;
  for (const account of accounts) {
    const { accountId } = account;
    if (entries + account.entries > size && fromAccount !== accountId) {
      end(accountId);
      entries = 0;
    }
    entries += account.entries;
    if (account.entries <= size) {
      together.push(account);
      continue;
    }
    const occurring = new Set(account.occurring);
    for (const hours of divided(byAccount.get(accountId) ?? [], size)) {
      portions.push({ fromAccount: accountId, toAccount: accountId + 1n, ...hours, occurring });
    }
    fromAccount = accountId + 1n;
    entries = 0;
  }
  end(undefined);
  return portions;
}

/** Puts neighbouring stretches together as long as they are small. */
function divided(stretches: readonly Stretch[], size: number): readonly Hours[] {
  const divided: Hours[] = [];
  let fromHour: number | undefined;
  let entries = 0;
  for (const stretch of stretches) {
    if (entries > 0 && entries + stretch.entries > size) {
      divided.push({ fromHour, toHour: stretch.fromHour });
      fromHour = stretch.fromHour;
      entries = 0;
    }
    entries += stretch.entries;
  }
  return [...divided, { fromHour, toHour: undefined }];
}
