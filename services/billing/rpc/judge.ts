import type { ThroughlineError } from "../../../shared/errors/error.ts";
import type { BillingContext } from "../context.ts";
import { type NewReservation, type Reserved, reserveAll } from "../db/reserve.ts";
import type { Tariff } from "../domain/tariff.ts";
import { waves } from "../domain/waves.ts";
import { inHalves } from "./batches.ts";

/** A reservation that is asked for, checked. */
export interface Asked {
  readonly reservation: NewReservation;
  readonly tariff: Tariff;
}

/** What PostgreSQL says to it. */
export type Outcome = Reserved | ThroughlineError;

/** What no two items of one statement may share. */
export function sharedKeys({ reservation }: Asked): string[] {
  const { requestId, accountId, idempotency } = reservation;
  const key = requestId.toString();
  if (idempotency === undefined) return [key];
  return [key, `${accountId} ${Buffer.from(idempotency.keyHash).toString("latin1")}`];
}

/** Judges items together. No two of them may share a key (`sharedKeys`). @param again they were refused a moment ago. */
export function judge(
  { config, db, log, tariffs }: BillingContext,
  items: readonly Asked[],
  again = false,
): Promise<readonly Outcome[]> {
  return inHalves(
    items,
    async (part) => {
      const tariffIds = await tariffs.idsOf(part.map(({ tariff }) => tariff));
      const reservations = part.map(({ reservation }, i) => ({ ...reservation, tariffId: tariffIds[i] ?? null }));
      return reserveAll(db, reservations, config.reservationTtlMs, again);
    },
    (error, size) => log.error({ err: error, size }, "Reserve failed for a batch"),
  );
}

/** Judges items that come one by one. */
export type JudgeOne = (item: Asked) => Promise<Outcome>;

/** As many as of the lane itself: more would only wait for each other's accounts. */
const maxAtOnce = 2;
const maxItems = 512;

/** Gathers what comes one by one and judges it together: while statements run, what comes forms the next one. */
export function gatheringJudge(context: BillingContext): JudgeOne {
  interface Waiting {
    readonly item: Asked;
    readonly answer: PromiseWithResolvers<Outcome>;
  }
  let gathered: Waiting[] = [];
  let running = 0;
  let starting = false;

  function start(): void {
    starting = false;
    while (gathered.length > 0 && running < maxAtOnce) {
      const [wave = []] = waves(gathered.slice(0, maxItems), ({ item }) => sharedKeys(item));
      const taken = new Set(wave);
      gathered = gathered.filter((waiting) => !taken.has(waiting));
      running += 1;
      void run(wave);
    }
  }

  async function run(wave: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await judge(
        context,
        wave.map(({ item }) => item),
        true,
      );
      for (const [i, { answer }] of wave.entries()) {
        const outcome = outcomes[i];
        if (outcome !== undefined) answer.resolve(outcome);
      }
    } catch (error) {
      for (const { answer } of wave) answer.reject(error);
    }
    running -= 1;
    start();
  }

  return (item) => {
    const answer = Promise.withResolvers<Outcome>();
    gathered.push({ item, answer });
    // Items of the same turn of the loop travel together.
    if (!starting) setImmediate(start);
    starting = true;
    return answer.promise;
  };
}
