import { type Kysely, sql } from "kysely";

/**
 * Changes to 0005's settle. The Idempotency-Key of a request that is charged late waits for its answer like any other's,
 * and only what a batch itself ended makes a key wait; before, a late one's waited where another item of its batch had a
 * key. And the day and the month are worked out in place: as calls they are set up anew with every batch.
 */
const changes = [
  [
    "unnest(p_request, p_kind) as i (request_id, kind)",
    "unnest(p_request, p_kind, o_code) as i (request_id, kind, code)",
  ],
  ["d.request_id = i.request_id and i.kind = 1", "d.request_id = i.request_id and i.kind = 1 and i.code = 0"],
  [
    "    o_code[v_item.ord] := 0; o_billed[v_item.ord] := v_item.charge;",
    `    if v_item.kind = 1 then
      update billing.idempotency d set locked_until = v_now + p_answer_wait_ms * interval '1 millisecond'
      where d.request_id = v_item.request_id and not d.answered;
    end if;
    o_code[v_item.ord] := 0; o_billed[v_item.ord] := v_item.charge;`,
  ],
  ["billing.day_of(v_now)", "floor(extract(epoch from v_now) / 86400)"],
  [
    "billing.month_of(v_now)",
    "extract(year from v_now at time zone 'UTC') * 12 + extract(month from v_now at time zone 'UTC') - 1",
  ],
] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ definition: string }>`
    select pg_get_functiondef('billing.settle'::regproc) as definition`.execute(db);
  let definition = rows[0]?.definition ?? "";
  for (const [from, to] of changes) {
    if (definition.split(from).length !== 2) throw new Error(`billing.settle does not say "${from}" once`);
    definition = definition.replace(from, () => to);
  }
  await sql.raw(definition).execute(db);
}
