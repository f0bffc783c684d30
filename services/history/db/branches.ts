import { integerArray } from "../../../shared/db/index.ts";
import { flag } from "../domain/flags.ts";
import type { Scope } from "../domain/owner.ts";
import type { IdRange } from "../domain/times.ts";
import type { Only } from "../domain/ways.ts";

/** Which records a walk passes, in the order of their IDs. */
export interface Walk {
  readonly scope: Scope;
  readonly range: IdRange;
  /** States; empty: all. */
  readonly statuses: readonly number[];
  /** Only requests of an application's back end (true), or the others (false). */
  readonly fromAppserver: boolean | undefined;
  /** Only requests created after this instant, which lies in the range's first millisecond: an ID does not tell them apart. */
  readonly afterFirst: boolean;
  readonly ascending: boolean;
  /**
   * Only the records with this in common, in the order of the index that has them: such a walk is no more than a set, and where it is as
   * large as its limit it is not all of it. Where the accounts are not known PostgreSQL enters the index once for each. Undefined: all.
   */
  readonly only?: Only | undefined;
}

/** SQL with numbered parameters, and their values. Texts of one shape are equal, so each becomes one prepared statement. */
export interface Parameters {
  readonly values: unknown[];
  /** Adds a value and gives its place, e.g. `$3::bigint`. */
  add(value: unknown, type: string): string;
}

/** Creates a list of parameters with nothing in it. */
export function createParameters(): Parameters {
  const values: unknown[] = [];
  return { values, add: (value, type) => `$${values.push(value)}::${type}` };
}

const firstEnded = 4;
const allStatuses = [1, 2, 3, 4, 5];

/**
 * The SQL of a walk: one branch for each index that it follows (a quarter of the records, by status and caller, and the
 * running ones), merged by ID. Each branch is ordered and limited by itself, so PostgreSQL reads only as far as it must. Gives undefined where
 * no record can match.
 */
export function walkSql(
  walk: Walk,
  parameters: Parameters,
  { columns, limit }: { columns: string; limit: number },
): string | undefined {
  const statuses = walk.statuses.length === 0 ? allStatuses : [...new Set(walk.statuses)].sort();
  const parts = commonParts(walk, parameters, limit);
  const ended = statuses.filter((status) => status >= firstEnded);
  // The operator's walk goes by the primary key, which has no parts: each branch would pass over the others' rows.
  const whole = walk.scope.kind === "operator" && ended.length === 2 && walk.only === undefined;
  const eachCaller = walk.fromAppserver === undefined && !isByTerms(walk);
  const callers = eachCaller ? [true, false] : [walk.fromAppserver];
  const quarters = ended.flatMap((status) => callers.map((fromAppserver) => ({ status, fromAppserver })));
  const branches = (whole ? [{}] : quarters).map((quarter) => endedBranch(quarter, walk, parts, columns));
  const running = statuses.filter((status) => status < firstEnded);
  if (running.length > 0) branches.push(runningBranch(running, walk, parts, { columns, parameters }));
  if (branches.length === 0) return undefined;
  // A set is read until it is too large, whichever branch it comes from.
  const end = walk.only === undefined ? parts.orderOfAll : `limit ${parts.most}`;
  return `select * from (${branches.join("\n union all\n")}) as walk ${end}`;
}

/**
 * Keeps only those records of the first millisecond that were created after its start. A walk backwards comes there last, and asks the record
 * itself by its ID: with the column as a condition of the branch PostgreSQL read the record of each, and with that it took the
 * primary key for as good as the account's index: a page since noon passed 31,400 records of others. It is asked within the
 * branch, before its limit: a branch may otherwise be full of what is left out, and lack what comes behind.
 */
function createdAfterFirst({ from, to }: Pick<Parts, "from" | "to">, table: string): string {
  const createdUs = `(select r.created_us from history.${table} r
        where r.request_id = x.request_id and r.request_id >= ${from} and r.request_id < ${to})`;
  return `(x.request_id - ${idsPerMs} >= ${from} or ${createdUs} > 0)`;
}

/**
 * The indexes of terms know no callers. With a condition on them PostgreSQL takes a part by caller for 0.5 % of the records, and went along
 * all of a key's where the terms had one.
 */
function isByTerms({ only }: Walk): boolean {
  return only?.by === "shape" || only?.by === "outcome";
}

interface Parts {
  /** The conditions of the scope and the range, the columns with `x.` before them. */
  readonly conditions: readonly string[];
  readonly ofEnded: string | undefined;
  readonly from: string;
  readonly to: string;
  /** By table. */
  readonly afterFirst: ((table: "record" | "unfinished") => string) | undefined;
  readonly order: string;
  readonly orderOfAll: string;
  readonly most: string;
}

function commonParts(walk: Walk, { add }: Parameters, limit: number): Parts {
  const from = add(walk.range.from, "bigint");
  const to = add(walk.range.to, "bigint");
  const direction = walk.ascending ? "asc" : "desc";
  const most = add(limit, "bigint");
  const orderOfAll = `order by request_id ${direction} limit ${most}`;
  // Nothing is sorted for it, so PostgreSQL has to go by this index, and stops at the limit.
  const order = walk.only === undefined ? orderOfAll : `order by ${orderOf(walk.only)} limit ${most}`;
  const only = walk.only === undefined ? [] : conditionsOf(walk.only, add);
  const conditions = [...scopeConditions(walk.scope, add), ...only, `x.request_id >= ${from}`, `x.request_id < ${to}`];
  // Subtracted from the ID, for added to the last millisecond's first ID it would be more than a bigint holds.
  const afterFirst = walk.afterFirst
    ? (table: string) =>
        walk.ascending
          ? `(x.request_id - ${idsPerMs} >= ${from} or x.created_us > 0)`
          : createdAfterFirst({ from, to }, table)
    : undefined;
  // Requests that run have no outcome, and their table no column for it.
  const ofEnded =
    walk.only?.by === "outcome"
      ? `x.outcome_id = any(${add(integerArray(walk.only.outcomeIds), "integer[]")})`
      : undefined;
  return { conditions, ofEnded, from, to, afterFirst, order, orderOfAll, most };
}

/** The order of the index that an account's or everybody's records with this in common have. */
function orderOf({ by }: Only): string {
  if (by === "shape" || by === "outcome") return `x.${by}_id, x.account_id, x.request_id`;
  return "x.account_id, x.request_id";
}

/** Those of the conditions that requests which run are asked for too. */
function conditionsOf(only: Only, add: Parameters["add"]): string[] {
  if (only.by === "key") return [`x.key_id = ${add(only.keyId, "bigint")}`];
  if (only.by === "user") return [`x.user_id = ${add(only.userId, "text")}`];
  if (only.by === "shape") return [`x.shape_id = any(${add(integerArray(only.shapeIds), "integer[]")})`];
  return [];
}

/** IDs of one millisecond: 10 bits of node and 12 of sequence. */
const idsPerMs = 2 ** 22;

/** The conditions of a scope on the columns of `x`. */
export function scopeConditions(scope: Scope, add: Parameters["add"]): string[] {
  if (scope.kind === "operator") return [];
  if (scope.kind === "account") return [`x.account_id = ${add(scope.accountId, "bigint")}`];
  if (scope.kind === "key") {
    return [`x.account_id = ${add(scope.accountId, "bigint")}`, `x.key_id = ${add(scope.keyId, "bigint")}`];
  }
  const user = [`x.account_id = ${add(scope.accountId, "bigint")}`, `x.user_id = ${add(scope.userId, "text")}`];
  return scope.keyId === 0n ? user : [...user, `x.key_id = ${add(scope.keyId, "bigint")}`];
}

/** Part of the records that have an index of their own. Undefined: both states, whoever called. */
interface Quarter {
  readonly status?: number;
  readonly fromAppserver?: boolean | undefined;
}

function endedBranch({ status, fromAppserver }: Quarter, { scope, only }: Walk, parts: Parts, columns: string): string {
  const conditions = [...parts.conditions];
  if (parts.ofEnded !== undefined) conditions.push(parts.ofEnded);
  if (status !== undefined) conditions.unshift(`x.status = ${status}`);
  if (scope.kind === "user" || only?.by === "user") conditions.push("x.user_id is not null");
  if (fromAppserver !== undefined) conditions.push(calledBy(fromAppserver));
  if (parts.afterFirst !== undefined) conditions.push(parts.afterFirst("record"));
  return `(select ${columns} from history.record x where ${conditions.join(" and ")} ${parts.order})`;
}

/** Written as the indexes' own condition, for so PostgreSQL knows them. */
export function calledBy(fromAppserver: boolean): string {
  return `(x.flags & ${flag.fromAppserver}) ${fromAppserver ? "<>" : "="} 0`;
}

/** A running row counts only while the record of its end is not there (both are for a moment when messages overtake each other). */
function runningBranch(
  statuses: readonly number[],
  { fromAppserver }: Walk,
  parts: Parts,
  { columns, parameters }: { columns: string; parameters: Parameters },
): string {
  const conditions = [...parts.conditions];
  // A parameter, not a text for each set of them: the texts are prepared statements, and shall be few.
  conditions.push(`x.status = any(${parameters.add(statuses, "smallint[]")})`);
  if (fromAppserver !== undefined) conditions.push(`x.from_appserver = ${fromAppserver}`);
  if (parts.afterFirst !== undefined) conditions.push(parts.afterFirst("unfinished"));
  // The offset keeps the planner from making a join of it, which would read the records of the whole range.
  conditions.push(
    `not exists (select 1 from history.record r
      where r.request_id = x.request_id and r.request_id >= ${parts.from} and r.request_id < ${parts.to} offset 0)`,
  );
  const own = columns
    .replace("false as running", "true as running")
    .replaceAll(/x\.(\w+_id|flags)\b/g, (column, name: string) => (unfinishedHas.has(name) ? column : `0 as ${name}`));
  return `(select ${own} from history.unfinished x where ${conditions.join(" and ")} ${parts.orderOfAll})`;
}

const unfinishedHas: ReadonlySet<string> = new Set(["request_id", "account_id", "key_id", "user_id", "shape_id"]);
