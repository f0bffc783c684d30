import { join } from "node:path";
import { secretDigest, storedHash } from "../../../services/billing/domain/secret.ts";
import { createDatabase, type Database, statement } from "../../../shared/db/index.ts";
import { createLog } from "../../../shared/log.ts";
import { closedLoop } from "../load/loads.ts";
import { must } from "../load/must.ts";
import { chatRequest, type Target } from "../load/request.ts";
import type { Ground } from "../subjects/ground.ts";
import { benchKey, throughline } from "../subjects/throughline.ts";
import type { GrowthPlan, Point } from "./curves.ts";
import { loadPoint } from "./point.ts";

const pepper = "a pepper for the bench, always the same";

/** Secret of the n-th key; all of one length, and of the length of the bench's own. */
export function secretOf(index: number): string {
  return `tl-bench-${String(index).padStart(benchKey.length - 9, "0")}`;
}

/** A request with the key of `pick()`: the bytes are made once, the key is written over. */
export function requestsByKey(target: Target, pick: () => number): () => Buffer {
  // A request leaves within the tick as a rule; a few hundred copies keep one that waits from being written over.
  const copies = Array.from({ length: 2_048 }, () => chatRequest(target, { kind: "answer", delayMs: 0 }));
  const at = copies[0]?.indexOf(benchKey) ?? -1;
  let turn = 0;
  return () => {
    turn = (turn + 1) % copies.length;
    const request = copies[turn] ?? Buffer.alloc(0);
    request.write(secretOf(pick()), at, "latin1");
    return request;
  };
}

const insertKeys = statement(
  "bench_keys",
  `with made as (
     insert into billing.key (account_id, name, kind, prefix, user_id, scopes, allowed_models, allowed_cidrs, group_name, created_with)
     select 1, 'bench ' || n, 1, 'tl-bench', '', '{*}', '{}', '{}', '', sha256(n::text::bytea)
     from generate_series($1::bigint, $2::bigint) n returning key_id, name)
   insert into billing.key_secret (hash, key_id)
   select h.hash, made.key_id from made
   join unnest($3::text[]) with ordinality as t(hex, n) on made.name = 'bench ' || ($1::bigint + t.n - 1)
   cross join lateral (select decode(t.hex, 'hex') as hash) h`,
);
const freshStatistics = statement("bench_analyze", "analyze billing.key, billing.key_secret");
const chunk = 20_000;

/** Puts keys `from` to `to - 1` of the first account into the database, as if they had been made by the API. */
async function addKeys(db: Database<unknown>, from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += chunk) {
    const last = Math.min(to, first + chunk) - 1;
    const hashes = Array.from({ length: last - first + 1 }, (_, index) =>
      storedHash(pepper, secretDigest(secretOf(first + index))).toString("hex"),
    );
    await db.query(insertKeys, [first, last, hashes]);
  }
  await db.query(freshStatistics, []);
}

/** Requests by keys that are drawn from ever more. */
export async function keys(ground: Ground, plan: GrowthPlan): Promise<Point[]> {
  await using undo = new AsyncDisposableStack();
  const env = { KEY_PEPPER: pepper };
  const subject = await throughline(ground, {
    name: "up",
    mode: "up",
    sampled: 0.01,
    starts: 0,
    env,
    dataFolder: join(ground.folder, "keys"),
  });
  undo.defer(() => subject.stop());
  const db = createDatabase<unknown>({
    url: await subject.databaseUrl(),
    schema: "billing",
    maxConnections: 1,
    applicationName: "bench",
    statementTimeoutMs: 600_000,
    log: createLog({ service: "bench", level: "silent" }),
  });
  undo.defer(() => db.close());
  const own = chatRequest(subject.target, { kind: "answer", delayMs: 0 });
  must(subject, await closedLoop(subject.target, 64, { count: plan.warmUp }, () => own));
  const points: Point[] = [];
  let there = 0;
  for (const x of plan.keys) {
    await addKeys(db, there, x);
    there = x;
    const next = requestsByKey(subject.target, () => Math.floor(Math.random() * x));
    points.push({ series: "up", x, values: await loadPoint(subject, 64, plan.pointMs, next) });
  }
  return points;
}
