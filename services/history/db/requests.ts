import { type Database, statement } from "../../../shared/db/index.ts";

type Client = Pick<Database<unknown>, "query">;

/** What a request said, as it is stored. */
export interface RequestRow {
  readonly requestId: bigint;
  readonly accountId: bigint;
  /** Before compression. */
  readonly bytes: number;
  readonly truncated: boolean;
  /** Packed as a payload. */
  readonly body: Buffer;
}

const put = statement("history.requests.put", "select history.put_request($1, $2, $3, $4, $5) as stored", {
  idempotent: true,
});
const read = statement(
  "history.requests.read",
  "select bytes, truncated, body from history.request where request_id = $1 and account_id = $2",
  { idempotent: true },
);

/** Stores what a request said; what is there stays. */
export async function storeRequest(
  db: Client,
  { requestId, accountId, bytes, truncated, body }: RequestRow,
): Promise<void> {
  await db.query(put, [requestId, accountId, bytes, truncated, body]);
}

/** What a request of an account said; undefined: it is not kept. */
export async function readRequest(
  db: Client,
  requestId: bigint,
  accountId: bigint,
): Promise<Pick<RequestRow, "bytes" | "truncated" | "body"> | undefined> {
  const [row] = await db.query<Pick<RequestRow, "bytes" | "truncated" | "body">>(read, [requestId, accountId]);
  return row;
}
