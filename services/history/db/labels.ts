import { hash } from "node:crypto";
import {
  bigintArray,
  type Database,
  integerArray,
  type Statement,
  statement,
  textArray,
} from "../../../shared/db/index.ts";
import type { Record as HistoryRecord } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { maxLength, repairText } from "../domain/repair.ts";
import type { IdRange } from "../domain/times.ts";
import type { Parameters, Walk } from "./branches.ts";
import { among } from "./records.ts";

type Client = Pick<Database<unknown>, "query">;

/** What a label is, as its row says it. */
export const labelKinds = { tag: 1, endUser: 2, alias: 3 } as const;

export type LabelKind = (typeof labelKinds)[keyof typeof labelKinds];

/** A label of a request. */
export interface LabelRow {
  readonly requestId: bigint;
  readonly accountId: bigint;
  readonly hash: bigint;
  readonly kind: LabelKind;
  readonly value: string;
}

/** 64 bits by which labels are looked up: 8 bytes in two indexes where a text takes up to 256. Their values tell equal ones apart. */
export function labelHash(kind: LabelKind, value: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${hash("sha256", `${kind}\0${value}`, "hex").slice(0, 16)}`));
}

/** A label as it is stored, so that reading and writing agree. */
export function storedLabel(value: string): string {
  return repairText(value, maxLength.user, { repaired: false });
}

const none: readonly LabelRow[] = [];
const maxLabels = 32;

/** The labels of a record. Most records have none, and nothing is made for them. */
export function labelsOf({ requestId, accountId, endUser, tags, aliases }: HistoryRecord): readonly LabelRow[] {
  if (endUser === "" && tags.length === 0 && aliases.length === 0) return none;
  const rows = new Map<string, LabelRow>();
  const add = (kind: LabelKind, text: string): void => {
    const value = storedLabel(text);
    if (value === "" || rows.size >= maxLabels) return;
    rows.set(`${kind} ${value}`, { requestId, accountId, kind, value, hash: labelHash(kind, value) });
  };
  add(labelKinds.endUser, endUser);
  for (const tag of tags) add(labelKinds.tag, tag);
  for (const alias of aliases) add(labelKinds.alias, alias);
  return [...rows.values()];
}

const put = statement("history.labels.put", "select history.put_labels($1, $2, $3, $4, $5) as stored", {
  idempotent: true,
});

/** Stores labels; those that are there stay. Ordered, so that two batches never wait for each other in a circle. */
export async function storeLabels(db: Client, labels: readonly LabelRow[]): Promise<void> {
  if (labels.length === 0) return;
  const rows = labels.toSorted(
    (a, b) => compare(a.requestId, b.requestId) || a.kind - b.kind || compare(a.hash, b.hash),
  );
  await db.query(put, [
    bigintArray(rows.map(({ requestId }) => requestId)),
    bigintArray(rows.map(({ accountId }) => accountId)),
    bigintArray(rows.map((row) => row.hash)),
    integerArray(rows.map(({ kind }) => kind)),
    textArray(rows.map(({ value }) => value)),
  ]);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What a record is shown with. */
export interface ShownLabels {
  endUser: string;
  readonly tags: string[];
}

const read = statement(
  "history.labels.read",
  `select request_id, kind::integer as kind, value from history.label
    where request_id = any($1::bigint[]) and request_id between $2 and $3 and kind <> ${labelKinds.alias}`,
  { idempotent: true },
);

/** End users and tags of these requests; those without any are missing. */
export async function readLabels(db: Client, ids: readonly bigint[]): Promise<ReadonlyMap<bigint, ShownLabels>> {
  const found = new Map<bigint, ShownLabels>();
  if (ids.length === 0) return found;
  const rows = await db.query<{ request_id: bigint; kind: LabelKind; value: string }>(read, among(ids));
  for (const { request_id, kind, value } of rows) {
    const labels = found.get(request_id) ?? { endUser: "", tags: [] };
    found.set(request_id, labels);
    if (kind === labelKinds.tag) labels.tags.push(value);
    else labels.endUser = value;
  }
  for (const { tags } of found.values()) tags.sort();
  return found;
}

/** More requests with one alias are not looked at. */
export const maxFound = 20;

const select =
  "select request_id from history.label where hash = $1 and value = $4 and request_id >= $2 and request_id < $3";
const order = `order by request_id desc limit ${maxFound}`;
const findOwn = statement("history.labels.own", `${select} and account_id = $5 ${order}`, { idempotent: true });
const findAny = statement("history.labels.any", `${select} ${order}`, { idempotent: true });

/** The newest requests of a range that an alias leads to. @param accountId whose; undefined: anybody's. */
export async function findByAlias(
  db: Client,
  alias: string,
  { from, to }: IdRange,
  accountId: bigint | undefined,
): Promise<bigint[]> {
  const value = storedLabel(alias);
  const given = [labelHash(labelKinds.alias, value), from, to, value];
  const [asked, values]: [Statement, unknown[]] =
    accountId === undefined ? [findAny, given] : [findOwn, [...given, accountId]];
  const rows = await db.query<{ request_id: bigint }>(asked, values);
  return rows.map((row) => row.request_id);
}

/** A label that requests are asked for by. */
export type WantedLabel = Pick<LabelRow, "kind" | "hash" | "value">;

/** A label as it is asked for. */
export function wantedLabel(kind: LabelKind, text: string): WantedLabel {
  const value = storedLabel(text);
  return { kind, value, hash: labelHash(kind, value) };
}

/**
 * The SQL of a walk along the requests with a label, those that run among them, in the order of their IDs. It reads the index of the label as
 * far as it must, and looks each request up.
 */
export function labelledSql(
  { scope, range, ascending }: Pick<Walk, "scope" | "range" | "ascending">,
  { add }: Parameters,
  { label, limit }: { label: WantedLabel; limit: number },
): string {
  const from = add(range.from, "bigint");
  const to = add(range.to, "bigint");
  const account = scope.kind === "operator" ? "" : `and account_id = ${add(scope.accountId, "bigint")}`;
  const columns = "request_id, shape_id, key_id, user_id, status";
  return `select l.request_id, coalesce(r.shape_id, u.shape_id) as shape_id, coalesce(r.outcome_id, 0) as outcome_id,
      coalesce(r.key_id, u.key_id) as key_id, coalesce(r.user_id, u.user_id) as user_id, coalesce(r.status, u.status) as status
     from (select request_id from history.label
            where hash = ${add(label.hash, "bigint")} and value = ${add(label.value, "text")} ${account}
              and request_id >= ${from} and request_id < ${to}
            order by request_id ${ascending ? "asc" : "desc"} limit ${add(limit, "bigint")}) as l
     left join lateral (select ${columns}, outcome_id from history.record
            where request_id = l.request_id and request_id >= ${from} and request_id < ${to} offset 0) r on true
     left join lateral (select ${columns} from history.unfinished
            where request_id = l.request_id offset 0) u on true`;
}
