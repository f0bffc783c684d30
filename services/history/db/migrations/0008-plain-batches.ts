import { sql } from "kysely";
import type { Migration } from "../../../../shared/db/index.ts";
import { recordColumns } from "../record-row.ts";

const names = recordColumns.map(({ name }) => name);
const items = [...recordColumns.map(({ name, sent }) => [name, sent] as const), ["body", "bytea"] as const];
const parameters = items.map(([name]) => `p_${name}`).join(", ");

/**
 * What the function of 0003 does, which is now called history.put_records_each, where nothing stands in a batch's way: none of its
 * records was deleted or is known, and none belongs to an hour that was closed. Then the rows are inserted, and those of the
 * running requests removed where there are any, by statements that do nothing else: in one statement with what is seldom wanted most
 * of the time went into setting up its plan. Whatever is not plain is left to the old function. A batch that finds an hour open
 * holds the lock until its records are there, so who closes the hour counts them.
 */
const put = `
  create function history.put_records(${items.map(([name, type]) => `p_${name} ${type}[]`).join(", ")})
  returns integer language plpgsql set plan_cache_mode = force_generic_plan as $$
  declare
    plain boolean;
    unfinished boolean;
    place bigint;
    new_count integer;
  begin
    perform pg_advisory_xact_lock_shared(hashtextextended('history.deletion', 0));
    -- The IDs ascend: the first is the lowest.
    select not exists (select from history.tombstone
                        where request_id between p_request_id[1] and p_request_id[cardinality(p_request_id)])
       and not exists (select from history.usage_state where closing_below > p_request_id[1]),
           exists (select from history.unfinished where request_id = any(p_request_id))
      into plain, unfinished;
    if plain then
      begin
        -- Behind the lock: who has waited for it alone knows that all up to the number of before are there.
        place := nextval('history.stored_seq');
        insert into history.record (stored, ${names.join(", ")})
        select place, ${names.map((name) => `unnest(p_${name})`).join(", ")};
        get diagnostics new_count = row_count;
        insert into history.payload (request_id, body)
        select request_id, body from (select unnest(p_request_id) as request_id, unnest(p_body) as body) as t
         where body is not null;
        if unfinished then
          delete from history.unfinished u
           using (select request_id from history.unfinished where request_id = any(p_request_id)
                   order by request_id for update) as locked
           where u.request_id = locked.request_id;
        end if;
        return new_count;
      exception when unique_violation then
        -- Nothing of the block remains; what follows stores the batch whole.
        null;
      end;
    end if;
    return history.put_records_each(${parameters});
  end $$`;

/** History.put_records for batches of which nothing is known yet, before the one that looks at each record. */
export const addPlainBatches: Migration = {
  async up(db) {
    const types = items.map(([, type]) => `${type}[]`).join(", ");
    await sql.raw(`alter function history.put_records(${types}) rename to put_records_each`).execute(db);
    await sql.raw(put).execute(db);
  },
};
