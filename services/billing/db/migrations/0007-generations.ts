import { type Kysely, sql } from "kysely";

const statements = [
  // Which of its key's secrets this is: the first is 1, each rotation makes the next. The key says which is the newest.
  // key_secret is locked first, as by Authenticate: in the other order the two could deadlock.
  "alter table billing.key_secret add column generation integer not null default 1",
  "alter table billing.key add column generation integer not null default 1",
  // Most keys were never rotated and are right by the defaults, so few rows are written. The newest secret has no end.
  `with numbered as (
     select s.hash, row_number() over (partition by s.key_id order by s.valid_until, s.created_at, s.hash) as generation
     from billing.key_secret s
   )
   update billing.key_secret s set generation = n.generation
   from numbered n where s.hash = n.hash and n.generation > 1`,
  `update billing.key k set generation = s.generation
   from (select key_id, max(generation) as generation from billing.key_secret group by key_id) s
   where k.key_id = s.key_id and s.generation > 1`,
  // By the database, so that a rotation by code from before this, which runs beside it during a rollout, counts too.
  `create function billing.number_secret() returns trigger language plpgsql as $$
   begin
     if exists (select from billing.key_secret s where s.key_id = new.key_id) then
       update billing.key k set generation = k.generation + 1 where k.key_id = new.key_id
       returning k.generation into new.generation;
     end if;
     return new;
   end $$`,
  `create trigger number_secret before insert on billing.key_secret
     for each row execute function billing.number_secret()`,
  // Asked by Reserve for other secrets than the newest only. A function, since a subquery in its place is set up with
  // every batch, asked for or not: 20 to 50 us.
  `create function billing.secret_ended(p_key bigint, p_generation integer, p_now timestamptz) returns boolean
   language sql stable
   return not exists (
     select from billing.key_secret s
     where s.key_id = p_key and s.generation = p_generation and (s.valid_until is null or s.valid_until > p_now))`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
