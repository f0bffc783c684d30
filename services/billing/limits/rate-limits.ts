import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { ChangedLimits, RateLimitRow } from "../db/limits.ts";
import { admit, type Claim, type Counter, type Decision, goDuration, type Level, totals } from "../domain/rates.ts";
import type { Counters } from "./counters.ts";
import type { KnownLimits } from "./known-limits.ts";

/** What one request asks of the rate limits. */
export interface RateDemand {
  readonly keyId: bigint;
  readonly accountId: bigint;
  /** Tokens that it may consume. */
  readonly tokens: bigint;
}

/** What the rate limits say to one request. */
export interface RateVerdict {
  /** Why it is refused; nothing was taken then. */
  readonly refused: ThroughlineError | undefined;
  /** x-ratelimit-* headers for the answer; none without limits. */
  readonly headers: Readonly<Record<string, string>>;
  /** Gives back what was taken, for a request that is refused for another reason. */
  giveBack(): void;
}

/** What one limit stands at. */
export interface RateLevel extends Level, Pick<Counter, "of" | "unit"> {}

/** Limits of requests and tokens a minute, of keys and of accounts. */
export interface RateLimits {
  /**
   * Takes for each demand in turn from all limits that concern it, or from none. Who has no limits waits for nobody's
   * counters: where these are elsewhere, the verdicts of those that have are promises.
   */
  take(demands: readonly RateDemand[]): Promise<readonly (RateVerdict | Promise<RateVerdict>)[]>;
  /** What the counters that concern each key stand at; those whose minute has not begun are left out. Takes nothing. */
  levels(payers: readonly Omit<RateDemand, "tokens">[]): Promise<readonly (readonly RateLevel[])[]>;
  /** Limits may have changed: the next demand reads them anew. */
  forget(of: ChangedLimits | "all"): void;
  close(): Promise<void>;
}

const noLimits: RateVerdict = { refused: undefined, headers: {}, giveBack: () => undefined };
const maxTries = 5;
/** What is given back this close to the end of its minute might be counted to the next, so it is left alone. */
const windowMarginMs = 100;

/** Creates the rate limits. */
export function createRateLimits(known: KnownLimits, counters: Counters): RateLimits {
  /** The demands of one account, which share counters, so they are decided together. */
  async function takeTogether(requests: readonly (readonly Claim[])[]): Promise<RateVerdict[]> {
    const all = new Map(requests.flat().map(({ counter }) => [counter.id, counter]));
    for (let attempt = 1; ; attempt++) {
      const levels = await peekAll([...all.values()]);
      const decisions = admit(requests, levels);
      const takes = totals(requests, decisions);
      const taken = await Promise.all(takes.map((claim) => counters.take(claim)));
      if (takes.every(({ counter }, i) => (taken[i]?.used ?? 0) <= counter.limit)) {
        return decisions.map((decision, i) => toVerdict(decision, requests[i] ?? [], takes, taken));
      }
      // Another replica took meanwhile what was seen to be left: nothing was gained, all is given back.
      await Promise.all(takes.map((claim) => counters.giveBack(claim)));
      if (attempt === maxTries) return requests.map(() => ({ ...noLimits, refused: crowded() }));
    }
  }

  async function peekAll(wanted: readonly Counter[]): Promise<Map<string, Level>> {
    const levels = new Map<string, Level>();
    const peeked = await Promise.all(wanted.map((counter) => counters.peek(counter)));
    for (const [i, counter] of wanted.entries()) {
      const level = peeked[i];
      if (level !== undefined) levels.set(counter.id, level);
    }
    return levels;
  }

  function toVerdict(
    decision: Decision,
    claims: readonly Claim[],
    takes: readonly Claim[],
    taken: readonly Level[],
  ): RateVerdict {
    if (decision.short !== undefined) {
      return { ...noLimits, refused: exceeded(decision.short, claims, decision) };
    }
    const takenMs = performance.now();
    const resets = new Map(takes.map(({ counter }, i) => [counter.id, taken[i]?.resetMs ?? 0]));
    return {
      refused: undefined,
      headers: decision.headers,
      giveBack() {
        const passedMs = performance.now() - takenMs + windowMarginMs;
        for (const claim of claims) {
          if (claim.points === 0 || passedMs >= (resets.get(claim.counter.id) ?? 0)) continue;
          // Nobody waits for it; a store that is away has said so already.
          counters.giveBack(claim).catch(() => undefined);
        }
      },
    };
  }

  return {
    async take(demands) {
      const limits = await known.of(demands.map(({ keyId }) => keyId));
      const groups = new Map<bigint, { index: number; claims: Claim[] }[]>();
      const verdicts = demands.map((): RateVerdict | Promise<RateVerdict> => noLimits);
      for (const [index, demand] of demands.entries()) {
        const claims = claimsOf(limits.get(demand.keyId), demand);
        if (claims.length === 0) continue;
        const group = groups.get(demand.accountId);
        if (group === undefined) groups.set(demand.accountId, [{ index, claims }]);
        else group.push({ index, claims });
      }
      const deciding = [...groups.values()].map((group) => {
        const decided = takeTogether(group.map(({ claims }) => claims)).catch((error: unknown) => {
          const refused = ThroughlineError.from(error);
          return group.map((): RateVerdict => ({ ...noLimits, refused }));
        });
        for (const [i, { index }] of group.entries()) verdicts[index] = decided.then((all) => all[i] ?? noLimits);
        return decided;
      });
      if (!counters.near) return verdicts;
      await Promise.all(deciding);
      return Promise.all(verdicts);
    },
    async levels(payers) {
      const limits = await known.of(payers.map(({ keyId }) => keyId));
      const counters = payers.map((payer) =>
        claimsOf(limits.get(payer.keyId), { ...payer, tokens: 0n }).map(({ counter }) => counter),
      );
      // Keys of one account share its counters: each is looked at once.
      const levels = await peekAll([...new Map(counters.flat().map((counter) => [counter.id, counter])).values()]);
      return counters.map((ofOne) =>
        ofOne.flatMap(({ id, of, unit }) => {
          const level = levels.get(id);
          return level === undefined ? [] : [{ of, unit, ...level }];
        }),
      );
    },
    forget: (of) => known.forget(of),
    async close() {
      await known.close();
      await counters.close();
    },
  };
}

function claimsOf(limits: RateLimitRow | undefined, { keyId, accountId, tokens }: RateDemand): Claim[] {
  // A key of another account is refused by Reserve; its limits are not this account's business.
  if (limits === undefined || limits.account_id !== accountId) return [];
  const claims: Claim[] = [];
  const claim = (of: Counter["of"], id: bigint, unit: Counter["unit"], limit: bigint, points: number): void => {
    if (limit > 0n) claims.push({ counter: { id: `${of}:${id}:${unit}`, of, unit, limit: Number(limit) }, points });
  };
  claim("key", keyId, "requests", limits.key_requests, 1);
  claim("key", keyId, "tokens", limits.key_tokens, Number(tokens));
  claim("account", accountId, "requests", limits.account_requests, 1);
  claim("account", accountId, "tokens", limits.account_tokens, Number(tokens));
  return claims;
}

function exceeded(short: Counter, claims: readonly Claim[], { waitMs, headers }: Decision): ThroughlineError {
  const asked = claims.find(({ counter }) => counter.id === short.id)?.points ?? 0;
  const limit = `The ${short.of}'s limit of ${short.limit} ${short.unit} a minute`;
  const message =
    asked > short.limit
      ? `${limit} is below the ${asked} tokens that this request may consume; lower max_tokens, or have the limit raised.`
      : `${limit} is reached; wait ${goDuration(Math.ceil(waitMs / 1_000) * 1_000)}, then retry.`;
  return new ThroughlineError("rate_limit_exceeded", message, { retryAfterMs: waitMs, headers });
}

function crowded(): ThroughlineError {
  return new ThroughlineError("rate_limit_exceeded", "Too many requests compete for the rate limit; retry shortly.");
}
