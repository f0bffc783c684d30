import { sql } from "kysely";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { type LabelKind, labelHash, labelKinds } from "./db/labels.ts";
import type { startTestHistory } from "./testing.ts";
import type { Plans } from "./testing-plans.ts";

export const dayMs = 86_400_000;
/** The end of a day, so that all partitions are full: a small one is rather read as a whole. */
export const nowMs = Date.UTC(2026, 5, 21) - 1_000;
export const days = 10;
export const perDay = 1_500;
/** Records that were stored together, which an export takes as one. */
const perBatch = 100;

/**
 * Account 1 has nearly all; of its records one a day is of a rare user, one of a rare key, one failed, one was asked for by
 * a back end, and one is all of that. Through the service one a day makes the partitions, for the rare account 2.
 */
export async function fillFilters(history: Awaited<ReturnType<typeof startTestHistory>>, plans: Plans): Promise<void> {
  for (let day = 0; day < days; day++) {
    const requestId = firstIdAt(nowMs - day * dayMs - 1_000);
    await history.record({ requestId, accountId: 2n, keyId: 20n, status: RecordStatus.SUCCEEDED });
  }
  // Six models, five channels, two kinds of errors; one model is rare.
  await sql
    .raw(
      `insert into history.term (digest, value)
       select decode(md5(model || channel), 'hex'), t.value || jsonb_build_object('model', model, 'channel', channel, 'module', ${Module.CHAT})
         from history.term t, unnest(array['rare', 'm1', 'm2', 'm3', 'm4', 'm5']) as model,
           unnest(array['c1', 'c2', 'c3', 'c4', 'c5']) as channel
        where t.value ? 'model' and t.value ->> 'model' = ''
       union all
       select decode(md5('unused'), 'hex'), t.value || '{"model":"unused","channel":"unused"}'
         from history.term t where t.value ? 'model' and t.value ->> 'model' = ''`,
    )
    .execute(plans.db);
  await sql
    .raw(
      `insert into history.term (digest, value)
       select decode(md5(error), 'hex'), t.value || jsonb_build_object('error', error)
         from history.term t, unnest(array['bad', 'worse', 'rarest']) as error where t.value ? 'error'`,
    )
    .execute(plans.db);
  const step = Math.floor(dayMs / perDay);
  await sql
    .raw(
      `insert into history.record (stored, request_id, account_id, key_id, updated_us, shape_id, outcome_id, payload_bytes,
          created_us, status, flags, user_id)
       select ${days} + 1 + (${perDay * days} - n) / ${perBatch}, ${firstIdAt(nowMs - 2_000)} - (n::bigint * ${step} << 22), 1,
          case when n % ${perDay} in (1, 9) then 11 when n % 5 in (3, 4) then 13 else 10 end, n,
          shapes[case when n % ${perDay} = 7 then 1 + n % 5 else 6 + n % 25 end],
          outcomes[case when n = 2 + 5 * ${perDay} then 4 when n % ${perDay} in (2, 9) then 2 + n / ${perDay} % 2 else 1 end], 100, 1,
          case when n % ${perDay} in (2, 9) then 5 else 4 end, case when n % ${perDay} in (3, 9) then 2 else 0 end,
          case when n % ${perDay} in (4, 9) then 'rare' when n % 20 = 5 then 'sparse' when n % 5 in (3, 4) then 'denser' else 'dense' end
         from generate_series(1, ${perDay * days - 2}) as n,
          (select array_agg(id order by value ->> 'model' <> 'rare', id) as shapes from history.term where value ->> 'model' not in ('', 'unused')) as s,
          (select array_agg(id order by id) as outcomes from history.term where value ? 'error') as o`,
    )
    .execute(plans.db);
  await sql`select setval('history.stored_seq', ${days + 2 + (perDay * days) / perBatch})`.execute(plans.db);
  await sql
    .raw(`insert into history.payload select request_id, '\\x00' from history.record on conflict do nothing`)
    .execute(plans.db);
  // A tag and an end user of many, and a tag of one record a day.
  const labels: readonly [kind: LabelKind, value: string, of: string][] = [
    [labelKinds.tag, "often", "n % 4 <> 0"],
    [labelKinds.endUser, "anyone", "n % 3 = 0"],
    [labelKinds.endUser, "elsewhere", "n % 5 in (3, 4) and n % 3 <> 0"],
    [labelKinds.tag, "never often", "n % 4 = 0"],
    [labelKinds.tag, "seldom", `n % ${perDay} = 12`],
  ];
  for (const [kind, value, of] of labels) {
    await sql
      .raw(
        `insert into history.label (request_id, account_id, hash, kind, value)
         select request_id, 1, ${labelHash(kind, value)}, ${kind}, '${value}'
           from (select request_id, updated_us as n from history.record where account_id = 1) r where ${of}`,
      )
      .execute(plans.db);
  }
  for (const table of ["record", "payload", "unfinished", "tombstone", "term", "label"]) {
    await sql.raw(`vacuum (analyze) history.${table}`).execute(plans.db);
  }
}
