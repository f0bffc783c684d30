import pg from "pg";
import { quoteIdentifier, quoteLiteral } from "../connection.ts";

/** The user that the services log in as. */
export const servicesRole = "throughline_services";

/** Everything that an older version, whose services logged in as the superuser, made in the services' schemas. */
const foreignObjects = `
  with mine as (select oid, nspname from pg_namespace where nspname in ('routing', 'billing', 'history'))
  select format('alter schema %I owner to ${servicesRole}', m.nspname) as statement
    from mine m join pg_namespace n using (oid) where n.nspowner <> $1::regrole
  union all
  -- Indexes, TOAST tables and sequences of columns follow their table.
  select format('alter %s %I.%I owner to ${servicesRole}',
      case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,
      m.nspname, c.relname)
    from pg_class c join mine m on m.oid = c.relnamespace
    where c.relowner <> $1::regrole and c.relkind in ('r', 'p', 'v', 'm', 'S')
      and not (c.relkind = 'S' and exists (select from pg_depend d where d.classid = 'pg_class'::regclass
        and d.objid = c.oid and d.deptype in ('a', 'i') and d.refobjsubid > 0))
  union all
  select format('alter routine %s owner to ${servicesRole}', p.oid::regprocedure)
    from pg_proc p join mine m on m.oid = p.pronamespace where p.proowner <> $1::regrole and p.prokind <> 'a'
  union all
  select format('alter type %I.%I owner to ${servicesRole}', m.nspname, t.typname)
    from pg_type t join mine m on m.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
    where t.typowner <> $1::regrole and t.typelem = 0 and (c.oid is null or c.relkind = 'c')
      and t.typtype in ('c', 'd', 'e', 'r')`;

/** Roles that the services work as, which the superuser of an older version made. */
const ungrantedRoles = `
  select format('grant %I to ${servicesRole} with admin option, set true', r.rolname) as statement
    from pg_roles r where (r.rolname = 'throughline_billing' or starts_with(r.rolname, 'throughline_billing_'))
      and not pg_has_role($1, r.oid, 'set')`;

/**
 * Makes sure that the services' user exists, is no superuser, and owns what the services made: who takes over a service
 * can then neither read files of the server nor run programs there. `password`: to be set; undefined: it is set already.
 */
export async function ensureServicesRole(superuserUrl: string, password: string | undefined): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl, application_name: "throughline embedded" });
  await client.connect();
  try {
    const { rows: found } = await client.query("select from pg_roles where rolname = $1", [servicesRole]);
    const isNew = found.length === 0;
    if (!isNew && password === undefined && (await statements(client)).length === 0) return;
    await client.query("begin");
    const attributes = `login createrole nosuperuser${password === undefined ? "" : ` password ${quoteLiteral(password)}`}`;
    await client.query(`${isNew ? "create" : "alter"} role ${servicesRole} ${attributes}`);
    const { rows } = await client.query<{ name: string }>("select current_database() as name");
    for (const { name } of rows)
      await client.query(`grant all on database ${quoteIdentifier(name)} to ${servicesRole}`);
    for (const statement of await statements(client)) await client.query(statement);
    await client.query("commit");
  } finally {
    await client.end();
  }
}

/** What must be done so that the services own what is theirs. */
async function statements(client: pg.Client): Promise<string[]> {
  const all: string[] = [];
  for (const text of [foreignObjects, ungrantedRoles]) {
    const { rows } = await client.query<{ statement: string }>(text, [servicesRole]);
    all.push(...rows.map(({ statement }) => statement));
  }
  return all;
}
