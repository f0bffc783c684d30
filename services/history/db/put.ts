import {
  bigintArray,
  booleanArray,
  byteaArray,
  type Database,
  integerArray,
  jsonbArray,
  statement,
  textArray,
} from "../../../shared/db/index.ts";
import { type LabelRow, storeLabels } from "./labels.ts";
import { type RecordRow, recordColumns } from "./record-row.ts";

/** A row of history.record with its packed payload. */
export interface EndedRow extends RecordRow {
  body: Buffer | null;
  /** Stored beside it. */
  readonly labels: readonly LabelRow[];
}

/** A row of history.unfinished. `body` is a serialized Record. */
export interface UnfinishedRow {
  request_id: bigint;
  account_id: bigint;
  key_id: bigint;
  updated_us: bigint;
  shape_id: number;
  /** Microseconds of the creation beyond the millisecond of the ID, 0 to 999. */
  created_us: number;
  status: number;
  from_appserver: boolean;
  user_id: string | null;
  body: Uint8Array;
  /** Stored beside it. */
  readonly labels: readonly LabelRow[];
}

type Encode = (values: readonly never[]) => Buffer;

const encoderOf = {
  bigint: bigintArray,
  integer: integerArray,
  text: textArray,
  jsonb: (values: readonly (object | null)[]) => jsonbArray(values.map((value) => value && JSON.stringify(value))),
} as const;
const encoders: readonly (readonly [keyof EndedRow, Encode])[] = [
  ...recordColumns.map(({ name, sent }): readonly [keyof EndedRow, Encode] => [name, encoderOf[sent] as Encode]),
  ["body", byteaArray as Encode],
];

const putRecords = statement(
  "history.put_records",
  `select history.put_records(${encoders.map((_, index) => `$${index + 1}`).join(", ")}) as stored`,
  { idempotent: true },
);

const putUnfinished = statement(
  "history.put_unfinished",
  "select history.put_unfinished($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as stored",
  { idempotent: true },
);

function labelsOf({ labels }: { readonly labels: readonly LabelRow[] }): readonly LabelRow[] {
  return labels;
}

/** Stores ended records, behind their labels: whoever sees a record finds it by them. See the function of that name. The rows are distinct and in ascending order of IDs. */
export async function storeEnded(db: Pick<Database<unknown>, "query">, rows: readonly EndedRow[]): Promise<number> {
  await storeLabels(db, rows.flatMap(labelsOf));
  const values = encoders.map(([name, encode]) => encode(rows.map((row) => row[name]) as never[]));
  const [answer] = await db.query<{ stored: number }>(putRecords, values);
  return answer?.stored ?? 0;
}

/** Stores running ones likewise. */
export async function storeUnfinished(
  db: Pick<Database<unknown>, "query">,
  rows: readonly UnfinishedRow[],
): Promise<number> {
  await storeLabels(db, rows.flatMap(labelsOf));
  const [answer] = await db.query<{ stored: number }>(putUnfinished, [
    bigintArray(rows.map((row) => row.request_id)),
    bigintArray(rows.map((row) => row.account_id)),
    bigintArray(rows.map((row) => row.key_id)),
    bigintArray(rows.map((row) => row.updated_us)),
    integerArray(rows.map((row) => row.shape_id)),
    integerArray(rows.map((row) => row.created_us)),
    integerArray(rows.map((row) => row.status)),
    booleanArray(rows.map((row) => row.from_appserver)),
    textArray(rows.map((row) => row.user_id)),
    byteaArray(rows.map((row) => row.body)),
  ]);
  return answer?.stored ?? 0;
}
