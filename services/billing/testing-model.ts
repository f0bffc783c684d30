import { waves } from "./domain/waves.ts";

/** One request to reserve. Slots and keys are small numbers that stand for request IDs and Idempotency-Keys. */
export interface ReserveStep {
  readonly slot: number;
  readonly amount: number;
  /** 0: none. */
  readonly key: number;
  readonly digest: number;
}

/** One request to settle. */
export interface SettleStep {
  readonly slot: number;
  readonly amount: number;
  /** False: it failed, nothing is charged. */
  readonly charges: boolean;
}

/** What happens in turn; the items of a step travel together. */
export type Step =
  | { readonly kind: "reserve"; readonly items: readonly ReserveStep[] }
  | { readonly kind: "settle"; readonly items: readonly SettleStep[] }
  | { readonly kind: "expire"; readonly slots: readonly number[] }
  | { readonly kind: "store"; readonly slot: number; readonly forget: boolean }
  | { readonly kind: "credit"; readonly amount: number };

/** An account and its key. 0: no limit. */
export interface Terms {
  readonly credit: number;
  readonly floor: number;
  readonly keyConcurrent: number;
  readonly accountConcurrent: number;
  readonly keyBudget: number;
  readonly accountBudget: number;
}

/** What an answer comes to, for comparison: a code, or what was held, charged or replayed. */
export type Said = string;

interface IdempotencyRow {
  slot: number;
  digest: number;
  locked: boolean;
  answered: boolean;
}

interface Ended {
  charged: number | undefined;
  released: "gateway" | "sweeper" | undefined;
  reserved: number;
  reason: string;
}

/** The rules of billing for one account, as a dozen lines of memory. */
export function createModel(terms: Terms) {
  let balance = terms.credit;
  let spent = 0;
  const open = new Map<number, number>();
  const ended = new Map<number, Ended>();
  const keys = new Map<number, IdempotencyRow>();
  const held = (): number => [...open.values()].reduce((sum, amount) => sum + amount, 0);

  function reserve({ slot, amount, key, digest }: ReserveStep): Said {
    const earlier = open.get(slot);
    if (earlier !== undefined) return `held ${earlier}`;
    if (ended.has(slot)) return "idempotency_conflict";
    const row = keys.get(key);
    if (row !== undefined && (row.answered || row.locked || open.has(row.slot))) {
      if (row.digest !== digest) return "idempotency_mismatch";
      return row.answered ? `replay ${row.slot}` : "idempotency_conflict";
    }
    const full = (limit: number): boolean => limit > 0 && open.size >= limit;
    if (full(terms.keyConcurrent) || full(terms.accountConcurrent)) return "concurrent_limit_exceeded";
    const overBudget = (waits: number): boolean =>
      [terms.keyBudget, terms.accountBudget].some((budget) => budget > 0 && spent + waits + amount > budget);
    const overCredit = (waits: number): boolean => amount > balance - waits - terms.floor;
    // A refusal by charges alone comes first, for what others hold is given back soon.
    if (amount > 0 && overBudget(0)) return "insufficient_quota 429";
    if (amount > 0 && overCredit(0)) return "insufficient_quota 402";
    if (amount > 0 && (overBudget(held()) || overCredit(held()))) return "insufficient_quota 429 held";
    open.set(slot, amount);
    if (key !== 0) keys.set(key, { slot, digest, locked: false, answered: false });
    return `held ${amount}`;
  }

  function settle({ slot, amount, charges }: SettleStep): Said {
    const reserved = open.get(slot);
    const charge = charges ? amount : 0;
    const reason = charges ? "usage" : "failed_before_first_token";
    const earlier = ended.get(slot);
    if (reserved === undefined && earlier !== undefined) {
      if (earlier.charged !== undefined) return `again ${earlier.reserved} ${earlier.charged} ${earlier.reason}`;
      if (earlier.released === "gateway") return `again ${earlier.reserved} 0 ${earlier.reason}`;
      if (!charges) return `again ${earlier.reserved} 0 late`;
    }
    open.delete(slot);
    balance -= charge;
    spent += charge;
    const late = reserved === undefined && charges;
    ended.set(slot, {
      charged: charges ? charge : undefined,
      released: charges ? earlier?.released : "gateway",
      reserved: reserved ?? earlier?.reserved ?? 0,
      reason: late ? "late" : reason,
    });
    for (const row of keys.values()) if (row.slot === slot && charges) row.locked = true;
    return `now ${reserved ?? earlier?.reserved ?? 0} ${charge} ${late ? "late" : reason}`;
  }

  return {
    /** What the items of a step are answered, in their order. */
    take(step: Step): Said[] {
      switch (step.kind) {
        case "reserve": {
          const said = new Map<ReserveStep, Said>();
          // Items that share a request or a key take turns: the later one sees what came of the earlier.
          const shared = (item: ReserveStep) => [`slot ${item.slot}`, ...(item.key === 0 ? [] : [`key ${item.key}`])];
          for (const wave of waves(step.items, shared)) for (const item of wave) said.set(item, reserve(item));
          return step.items.map((item) => said.get(item) ?? "nothing");
        }
        case "settle":
          return step.items.map(settle);
        case "expire":
          for (const slot of step.slots) {
            const reserved = open.get(slot);
            if (reserved === undefined) continue;
            open.delete(slot);
            ended.set(slot, { charged: undefined, released: "sweeper", reserved, reason: "expired" });
          }
          return [];
        case "store":
          for (const [key, row] of keys) {
            if (row.slot !== step.slot || row.answered) continue;
            if (step.forget) keys.delete(key);
            else row.answered = ended.get(row.slot)?.charged !== undefined;
          }
          return [];
        case "credit":
          balance += step.amount;
          return [];
      }
    },
    /** Balance and what is held of it. */
    standing: () => ({ balance: BigInt(balance), reserved: BigInt(held()) }),
    /** Slots with an open reservation, in order. */
    open: () => [...open.keys()].sort((a, b) => a - b),
    /** Charges and releases in the ledger. */
    entries: () =>
      [...ended.values()].reduce(
        (sum, { charged, released }) => sum + Number(charged !== undefined) + Number(released !== undefined),
        0,
      ),
  };
}
