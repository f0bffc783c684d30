import { verdicts } from "../../domain/verdict.ts";

/** What is asked for, as SQL: columns of an item, or parameters. */
interface Asked {
  readonly account: string;
  readonly key: string;
  readonly generation: string;
}

/**
 * Who may not have a request run: codes and conditions, in the order in which they are told. `a` is the account, `k` the
 * key, `t` the tariff.
 */
export function refusals({ account, key, generation }: Asked): readonly (readonly [code: number, when: string])[] {
  return [
    [verdicts.unknownKey, `k.key_id is null or k.account_id <> ${account}`],
    [verdicts.revokedKey, "k.revoked_at is not null"],
    [
      verdicts.rotatedSecret,
      `${generation} not in (0, k.generation) and billing.secret_ended(${key}, ${generation}, v_now)`,
    ],
    [verdicts.expiredKey, "k.expires_at <= v_now"],
    [verdicts.suspendedAccount, "a.state = 2"],
    [verdicts.administrationKey, "k.kind = 4"],
    [verdicts.missingScope, "not (t.module = any (k.scopes) or '*' = any (k.scopes))"],
    [verdicts.modelNotAllowed, "cardinality(k.allowed_models) > 0 and not (t.model = any (k.allowed_models))"],
  ];
}

/** A limit of an account or of a key. */
export interface Limit {
  readonly code: number;
  /** Its columns are called `<name>_most` and `<name>_spent`. */
  readonly name: string;
  readonly of: "account" | "key";
  /** A job is no request that somebody waits for, so it counts for its own limit alone. */
  readonly bounds: "requests" | "jobs" | "money";
  /** What there may be at most, of the row of the account (`a`) or the key (`k`). */
  readonly most: string;
  /** What charges have used up of it, which no settlement gives back. */
  readonly spent: string;
  /** Whether `most` is no limit where it is 0. */
  readonly optional: boolean;
}

const concurrency = (code: number, of: Limit["of"]): Limit => ({
  ...{ code, of, name: `${of}_concurrent`, bounds: "requests", spent: "0", optional: true },
  most: `${of[0]}.concurrent_requests`,
});

const jobs = (code: number, of: Limit["of"]): Limit => ({
  ...{ code, of, name: `${of}_jobs`, bounds: "jobs", spent: "0", optional: true },
  most: `${of[0]}.concurrent_jobs`,
});

const budget = (code: number, of: Limit["of"], period: "day" | "month"): Limit => ({
  ...{ code, of, name: `${of}_${period}`, bounds: "money", optional: true },
  most: `${of[0]}.${period === "day" ? "daily" : "monthly"}_budget`,
  spent: `case when ${of[0]}.${period} = v_${period} then ${of[0]}.${period}_spent else 0 end`,
});

/** What the limits are, in the order in which a refusal names one. */
export const limits: readonly Limit[] = [
  concurrency(verdicts.keyConcurrency, "key"),
  concurrency(verdicts.accountConcurrency, "account"),
  jobs(verdicts.keyJobs, "key"),
  jobs(verdicts.accountJobs, "account"),
  budget(verdicts.keyDay, "key", "day"),
  budget(verdicts.keyMonth, "key", "month"),
  budget(verdicts.accountDay, "account", "day"),
  budget(verdicts.accountMonth, "account", "month"),
  {
    ...{ code: verdicts.balance, of: "account", name: "credit", bounds: "money", spent: "0", optional: false },
    most: "a.balance - a.credit_floor",
  },
];

const held: Readonly<Record<Limit["bounds"], string>> = {
  requests: "open_count",
  jobs: "open_jobs",
  money: "reserved",
};

/** What open reservations hold of a limit, of the row of its owner. */
export const heldOf = ({ of, bounds }: Limit): string => `${of[0]}.${held[bounds]}`;

/**
 * That limits let something pass; a key that is not tracked has none. Money is no matter to what costs nothing.
 *
 * @param fits what is asked for fits.
 * @param those which limits hold for what is asked.
 */
export function within(
  { tracked, amount }: { readonly tracked: string; readonly amount: string },
  fits: (limit: Limit) => { readonly most: string; readonly fits: string },
  those: readonly Limit[] = limits,
): string {
  const one = (limit: Limit): string => {
    const { most, fits: enough } = fits(limit);
    const free = [...(limit.bounds === "money" ? [`${amount} = 0`] : []), ...(limit.optional ? [`${most} = 0`] : [])];
    return `(${[...free, enough].join(" or ")})`;
  };
  const all = (of: Limit["of"]): string =>
    those
      .filter((limit) => limit.of === of)
      .map(one)
      .join("\n and ");
  return `${all("account")}\n and (not ${tracked} or (${all("key")}))`;
}
